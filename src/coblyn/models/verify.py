"""Verifies local models: all files, every tensor, and known digests."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from coblyn import paths
from coblyn.errors import ModelError
from coblyn.fetch.download import sha256_of
from coblyn.models import digests
from coblyn.models.catalogue import CATALOGUE
from coblyn.models.check import check_model
from coblyn.models.gguf import read_header
from coblyn.models.splits import first_part, part_names
from coblyn.progress import Report, silent

__all__ = ["Verified", "known_digest", "verify"]

_DIGEST = re.compile(r"(?:sha256-)?([0-9a-f]{64})")
"""Ollama and Hugging Face's cache name files after their digests."""


@dataclass(frozen=True, slots=True)
class Verified:
    """The result for a model.

    Attributes:
        path: Its file; for a split model, the first.
        num_files: Number of its files.
        num_tensors: Number of tensors in all files.
        num_digests: Number of files whose digest is known and correct.
        problem: The problem, as sentences; empty if there is none.
    """

    path: Path
    num_files: int = 0
    num_tensors: int = 0
    num_digests: int = 0
    problem: str = ""


def verify(path: Path, report: Report = silent) -> Verified:
    """Check a model's files, and read those with known digests.

    Args:
        path: Any file of the model.
        report: Called with the progress in bytes read.
    """
    first = first_part(path)
    try:
        header = check_model(first)
        names = part_names(first.name) if header.num_splits > 1 else (first.name,)
        files = [first.with_name(name) for name in names]
        num_tensors = sum(len(read_header(each).tensors) for each in files)
        _check_count(header.metadata.get("split.tensors.count", num_tensors), num_tensors)
        num_digests = sum(_has_right_digest(each, report) for each in files)
    except ModelError as error:
        return Verified(first, problem=f"{error.message} {error.hint}".strip())
    except OSError as error:
        return Verified(first, problem=f"{first} cannot be read: {error.strerror or error}.")
    return Verified(first, len(files), num_tensors, num_digests)


def known_digest(path: Path) -> str:
    """The SHA-256 that a file should have; empty if unknown."""
    if known := digests.expected(path):
        return known
    if named := _DIGEST.fullmatch(path.resolve().name):
        return named[1]
    for entry in CATALOGUE.values():
        if path.absolute() == (paths.models() / f"{entry.name}.gguf").absolute():
            return entry.sha256
    return ""


def _check_count(said: object, found: int) -> None:
    if said != found:
        raise ModelError(f"The model says that it has {said} tensors, and its files have {found}.")


def _has_right_digest(path: Path, report: Report) -> bool:
    wanted = known_digest(path)
    if not wanted:
        return False
    found = sha256_of(path, report=report, what=path.name)
    if found != wanted.lower():
        raise ModelError(
            f"{path} is another file than was fetched: its SHA-256 is {found[:16]}…, not {wanted[:16]}….",
            hint="Pull it again with --force.",
        )
    return True
