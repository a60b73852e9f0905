"""Models that are split into several files, named ``NAME-00001-of-00003.gguf``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from coblyn.models.gguf import GgufHeader, read_header

__all__ = ["first_part", "is_later_part", "part_names", "plain_name", "read_headers"]

_SPLIT = re.compile(
    r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})(?P<end>\.gguf)?", re.IGNORECASE
)

_MAX_PARTS = 1000
"""Models have hundreds of parts at most, and each is looked for; a larger number is only part of a name."""


def part_names(name: str) -> tuple[str, ...]:
    """Names of all files of a file's model; only its own name if it is not split."""
    match = _SPLIT.fullmatch(name)
    if not match or not 1 <= int(match["number"]) <= int(match["count"]) <= _MAX_PARTS:
        return (name,)
    stem, count, end = match["stem"], int(match["count"]), match["end"] or ""
    return tuple(f"{stem}-{number:05}-of-{count:05}{end}" for number in range(1, count + 1))


def is_later_part(name: str) -> bool:
    """Whether it is a part other than the first."""
    return part_names(name)[0] != name


def first_part(path: Path) -> Path:
    """The first file, which represents the whole model."""
    return path.with_name(part_names(path.name)[0])


def read_headers(path: Path) -> Sequence[GgufHeader]:
    """The headers of all files of a model; only of this one if some are missing.

    Raises:
        ModelError: One cannot be read.
    """
    names = [path.with_name(name) for name in part_names(path.name)]
    there = [name for name in names if name.is_file()]
    return [read_header(each) for each in (there if len(there) == len(names) else [path])]


def plain_name(name: str) -> str:
    """A file's name without ``.gguf`` and without the number of a part."""
    match = _SPLIT.fullmatch(name)
    if match:
        return match["stem"]
    return name[: -len(".gguf")] if name.lower().endswith(".gguf") else name
