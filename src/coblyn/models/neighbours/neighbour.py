"""A model in another program's store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from coblyn.models.sources.offer import quantization_of
from coblyn.models.splits import is_later_part

__all__ = ["Neighbour", "gguf_files", "named"]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A model in another program's store.

    Attributes:
        name: Its name, with a prefix for the program, as in references of ``coblyn pull`` where possible.
        path: Its file; of a split model, the first.
        program: Name of the program.
    """

    name: str
    path: Path
    program: str


def gguf_files(folder: Path) -> Iterator[Path]:
    """The models among the GGUF files in a folder, sorted; none if it cannot be read."""
    with suppress(OSError):
        for path in sorted(folder.rglob("*.gguf")):
            name = path.name.lower()
            is_model = not name.startswith(("mmproj", ".")) and not is_later_part(path.name)
            if is_model and path.is_file():
                yield path


def named(prefix: str, owner: str, path: Path) -> str:
    """``PREFIX:OWNER/REPO:QUANTIZATION``."""
    return f"{prefix}:{owner}:{quantization_of(path.name)}"
