"""Splits a model into several files, or merges them; the tensors' bytes do not change.

Names and keys are llama.cpp's (``llama_split_path``, ``gguf-split``): the first file has all metadata.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from coblyn.errors import BadRequest, ModelBroken
from coblyn.files import require_space
from coblyn.models.check import check_model
from coblyn.models.gguf import Tensor, read_entries, read_header
from coblyn.models.gguf_writer import (
    NewTensor,
    int32,
    padded_size,
    uint16,
    write_gguf,
)
from coblyn.models.splits import first_part, part_names
from coblyn.progress import Progress, Report, silent
from coblyn.workshop.result import new_file

__all__ = ["Whole", "merge", "open_whole", "split", "split_by_size", "split_by_tensors"]

_MAX_COUNT = 2**16 - 1
_KEYS = ("split.no", "split.count", "split.tensors.count")
_PIECE = 1 << 22


@dataclass(frozen=True, slots=True)
class Whole:
    """A model, in one or more files.

    Attributes:
        first: Its file; of a split one, the first.
        entries: Its metadata as stored in the file, without the keys of the split.
        tensors: All tensors with their files, in order.
        alignment: Alignment of tensors in bytes.
    """

    first: Path
    entries: Mapping[str, bytes]
    tensors: tuple[tuple[Path, Tensor], ...]
    alignment: int

    @property
    def sizes(self) -> list[int]:
        """Bytes that each tensor takes in a file."""
        return [padded_size(tensor.size, self.alignment) for _, tensor in self.tensors]

    @property
    def header_size(self) -> int:
        """Approximate bytes of the first file that are not tensors."""
        metadata = sum(len(key) + len(value) + 8 for key, value in self.entries.items())
        return metadata + 128 * len(self.tensors) + 1024


def open_whole(path: Path) -> Whole:
    """Open a model, given any of its files.

    Raises:
        ModelError: A file is missing, damaged or not part of this model.
    """
    first = first_part(path)
    header = check_model(first)
    names = part_names(first.name) if header.num_splits > 1 else (first.name,)
    entries = {key: value for key, value in read_entries(first).items() if key not in _KEYS}
    tensors = [
        (part, tensor)
        for part in (first.with_name(name) for name in names)
        for tensor in read_header(part).tensors
    ]
    if len({tensor.name for _, tensor in tensors}) < len(tensors):
        raise ModelBroken(f"The files of {first.name} have tensors of the same names.")
    alignment = header.metadata.get("general.alignment", 32)
    assert isinstance(alignment, int), "the reader checked it"
    return Whole(first, entries, tuple(tensors), alignment)


def split_by_size(sizes: Sequence[int], max_size: int, header_size: int = 0) -> list[range]:
    """Group tensors so that no file exceeds a size, unless a single tensor does.

    Args:
        sizes: Bytes of the tensors, in order.
        max_size: Maximum bytes per file.
        header_size: Additional bytes of the first file.
    """
    groups, start, filled = [], 0, header_size
    for index, size in enumerate(sizes):
        if index > start and filled + size > max_size:
            groups.append(range(start, index))
            start, filled = index, 0
        filled += size
    return [*groups, range(start, len(sizes))]


def split_by_tensors(num_tensors: int, max_tensors: int) -> list[range]:
    """Group tensors so that each file has at most a given number."""
    starts = range(0, num_tensors, max_tensors)
    return [range(start, min(start + max_tensors, num_tensors)) for start in starts]


def split(
    whole: Whole, groups: Sequence[range], stem: Path, report: Report = silent
) -> tuple[Path, ...]:
    """Write a model as several files; they get their names when all are complete, the first one last.

    Args:
        whole: The model.
        groups: The tensors of each file.
        stem: Where the files go, without ``-00001-of-00003.gguf``.
        report: Gets the progress in bytes.

    Returns:
        The files, in order.

    Raises:
        BadRequest: There would be only one file, or more than names and metadata allow.
        DiskFull, CoblynError: They cannot be written.
    """
    count = len(groups)
    if not 2 <= count <= _MAX_COUNT:
        raise BadRequest(
            f"{whole.first.name} would become {count} files.",
            field="max-size",
            hint="Choose a smaller bound for a file." if count < 2 else "Choose a larger bound.",
        )
    targets = [stem.with_name(name) for name in part_names(f"{stem.name}-00001-of-{count:05}.gguf")]
    work = _Work(whole, f"Splitting {whole.first.name}", report)
    with ExitStack() as stack:
        # The blocks exit in reverse order: the first file, which identifies the model, gets its name last.
        parts = [
            stack.enter_context(
                new_file(target, what=work.phase, source=whole.first, report=report)
            )
            for target in targets
        ]
        work.require_space(stem.parent)
        for number, (part, group) in enumerate(zip(parts, groups, strict=True)):
            keys = {
                "split.no": uint16(number),
                "split.count": uint16(count),
                "split.tensors.count": int32(len(whole.tensors)),
            }
            work.write(part, {**(whole.entries if number == 0 else {}), **keys}, group)
    return tuple(targets)


def merge(whole: Whole, target: Path, report: Report = silent) -> Path:
    """Write a model as one file, which appears under its name only when complete.

    Raises:
        DiskFull, CoblynError: It cannot be written.
    """
    work = _Work(whole, f"Merging {whole.first.name}", report)
    with new_file(target, what=work.phase, source=whole.first, report=report) as part:
        work.require_space(target.parent)
        work.write(part, whole.entries, range(len(whole.tensors)))
    return target


class _Work:
    """Copying tensors, with one progress over all files."""

    def __init__(self, whole: Whole, phase: str, report: Report) -> None:
        self.phase = phase
        self._whole = whole
        self._report = report
        self._total = sum(tensor.size for _, tensor in whole.tensors)
        self._done = 0

    def require_space(self, directory: Path) -> None:
        need = sum(self._whole.sizes) + self._whole.header_size
        require_space(directory, need, what=self.phase)

    def write(self, path: Path, entries: Mapping[str, bytes], group: range) -> None:
        chosen = self._whole.tensors[group.start : group.stop]
        tensors = [
            NewTensor(tensor.name, tensor.shape, tensor.type, tensor.size) for _, tensor in chosen
        ]
        contents = (self._content(source, tensor) for source, tensor in chosen)
        # Files after the first do not state their alignment; all readers assume 32.
        alignment = self._whole.alignment if "general.alignment" in entries else 32
        with path.open("wb") as file:
            write_gguf(file, entries, tensors, contents, alignment=alignment)
        read_header(path)

    def _content(self, source: Path, tensor: Tensor) -> Iterator[bytes]:
        with source.open("rb") as file:
            file.seek(tensor.offset)
            for piece in _pieces(file, tensor.size):
                yield piece
                self._done += len(piece)
                self._report(Progress(self.phase, self._done, self._total, "bytes", tensor.name))


def _pieces(file: BinaryIO, size: int) -> Iterator[bytes]:
    while size:
        piece = file.read(min(size, _PIECE))
        if not piece:
            raise ModelBroken(f"{file.name} became shorter while it was read.")
        yield piece
        size -= len(piece)
