"""Converts safetensors to GGUF with llama.cpp's converter."""

from __future__ import annotations

import json
import re
import struct
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from coblyn.errors import BadRequest, ModelBroken, ModelUnsupported, ProgramFailed
from coblyn.files import read_text, require_not_full, require_space
from coblyn.models.gguf import read_header
from coblyn.progress import Progress, Report, silent
from coblyn.run import stream
from coblyn.workshop.converter import Converter
from coblyn.workshop.result import new_file

__all__ = ["DIRECT", "Original", "convert", "open_original"]

DIRECT = ("F32", "F16", "BF16", "Q8_0")
"""Types that the converter can write directly."""

_ROOM = 1 << 24
_WIDEST = {"F32": 4, "F16": 2, "BF16": 2, "Q8_0": 2}
_SECONDS = 0.5
_LOG_LINES = 12
_MAX_HEADER = 1 << 28
_MAX_INDEX = 1 << 26

_TENSOR = re.compile(r"INFO:hf-to-gguf:(\S+?),?\s+torch\.")
_UNKNOWN = re.compile(r"(?:Model|Architecture) (\S+) (?:is )?not supported", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Original:
    """A model as published by its makers.

    Attributes:
        folder: Where it is.
        architecture: Such as ``LlamaForCausalLM``.
        num_tensors: Tensors in all its files.
        num_weights: Numbers in them.
    """

    folder: Path
    architecture: str
    num_tensors: int
    num_weights: int


def open_original(folder: Path) -> Original:
    """Examine a directory with ``config.json`` and safetensors.

    Raises:
        BadRequest: It is not such a directory, or is incomplete.
        ModelBroken: A file is damaged or truncated.
    """
    config = folder / "config.json"
    files = sorted(folder.glob("*.safetensors"))
    if not config.is_file() or not files:
        lacks = "config.json" if not config.is_file() else "*.safetensors"
        raise BadRequest(
            f"{folder} holds no model to convert: it has no {lacks}.",
            field="source",
            hint="Name the directory of a model as Hugging Face has it, or hf:OWNER/REPO.",
        )
    try:
        architecture = str((json.loads(read_text(config)).get("architectures") or [""])[0])
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ModelBroken(f"{config} is damaged: {error}.") from error
    _check_index(folder)
    headers = [_header(path) for path in files]
    return Original(
        folder,
        architecture,
        sum(len(shapes) for shapes in headers),
        sum(size for shapes in headers for size in shapes),
    )


def convert(
    original: Original,
    kind: str,
    target: Path,
    converter: Converter,
    *,
    is_projector: bool = False,
    report: Report = silent,
) -> Path:
    """Write the GGUF file, which appears under its name only when complete.

    Args:
        original: The model.
        kind: One of ``DIRECT``.
        target: The new file; an existing one is replaced.
        converter: The converter to run.
        is_projector: Whether to convert only the part for images and sounds.
        report: Gets the progress: tensors, then bytes.

    Raises:
        ModelUnsupported: The converter does not know the architecture.
        ModelBroken: It failed in another way; the error includes the end of its log.
        DiskFull: There is not enough space; checked before anything is written.
    """
    phase = f"Converting {original.folder.name}"
    with new_file(target, what=phase, report=report) as part:
        need = original.num_weights * _WIDEST[kind] + _ROOM
        require_space(part.parent, need, what=phase)
        argv: list[str | Path] = [converter.python, converter.script, original.folder]
        argv += ["--outfile", part]
        argv += ["--outtype", kind.lower(), *(["--mmproj"] if is_projector else [])]
        reading = _Reading(phase, original.num_tensors, report)
        with _watched(part, phase, need - _ROOM, reading, report):
            try:
                stream(argv, reading.read, env=converter.environment)
            except ProgramFailed as error:
                require_not_full(part.parent, what=phase)
                raise _failed(original, reading) from error
        read_header(part)
    return target


def _check_index(folder: Path) -> None:
    """If an index lists the files, all of them must exist."""
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return
    try:
        named = set(map(str, json.loads(read_text(index, _MAX_INDEX))["weight_map"].values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelBroken(f"{index} is damaged: {error}.") from error
    missing = sorted(name for name in named if not (folder / name).is_file())
    if missing:
        raise BadRequest(
            f"{folder} lacks {len(missing)} of {len(named)} files: {', '.join(missing[:3])}.",
            field="source",
        )


def _header(path: Path) -> list[int]:
    """The number of elements of each tensor of a file. Format: a length, JSON, and the elements."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        raw = file.read(length) if 0 < length <= min(size, _MAX_HEADER) else b""
    try:
        tensors = [each for name, each in json.loads(raw).items() if name != "__metadata__"]
        ends = [int(each["data_offsets"][1]) for each in tensors]
        counts = [_product(each["shape"]) for each in tensors]
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise ModelBroken(f"{path} is not a safetensors file, or is damaged.") from error
    if (end := 8 + length + max(ends, default=0)) > size:
        raise ModelBroken(
            f"{path} is cut short: {size} of {end} bytes are here.", hint="Download it again."
        )
    return counts


def _product(shape: list[int]) -> int:
    product = 1
    for each in shape:
        product *= int(each)
    return product


def _failed(original: Original, reading: _Reading) -> ModelUnsupported | ModelBroken:
    log = "\n".join(reading.log)
    if unknown := _UNKNOWN.search(log):
        name = unknown[1].strip("'\"")
        return ModelUnsupported(
            f"{original.folder.name} is a {name}, which the converter of this llama.cpp does not know.",
            hint="Look for a repository that has it as GGUF, or update Coblyn.",
        )
    return ModelBroken(
        f"{original.folder.name} cannot be converted.", hint=f"The converter's last words:\n{log}"
    )


class _Reading:
    """Parses the converter's log: it names each tensor, and then reports writing the file."""

    def __init__(self, phase: str, total: int, report: Report) -> None:
        self._phase = phase
        self._total = total
        self._report = report
        self._done = 0
        self.log: deque[str] = deque(maxlen=_LOG_LINES)

    @property
    def is_writing(self) -> bool:
        """Whether all tensors are known, and their data is being written."""
        return self._done >= self._total

    def read(self, line: str) -> None:
        """Process one line."""
        self.log.append(line)
        if found := _TENSOR.search(line):
            # A tensor merged from several, such as experts, counts once: the total is an upper bound.
            self._done = min(self._done + 1, self._total)
            self._report(Progress(self._phase, self._done, self._total, "steps", found[1]))
        elif "total_size" in line:
            self._done = self._total


@contextmanager
def _watched(
    part: Path, phase: str, total: int, reading: _Reading, report: Report
) -> Iterator[None]:
    """Report how much of a file is written, since the converter's progress bar needs a terminal."""
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(_SECONDS):
            if reading.is_writing and part.is_file():
                done = min(part.stat().st_size, total)
                report(Progress(f"{phase}: writing", done, total, "bytes", Path(part.stem).stem))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
