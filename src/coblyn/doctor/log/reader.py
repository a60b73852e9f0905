"""Reads a build's output from a file or a pipe, in any encoding and format."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from coblyn.doctor.log.blocks import blocks
from coblyn.doctor.log.clean import clean
from coblyn.doctor.log.keep import Keeper
from coblyn.doctor.log.log import Log
from coblyn.errors import BadRequest, NotFound
from coblyn.native.trace.error import failure, first_error, without_trials
from coblyn.progress import Progress, Report, silent

__all__ = ["read_log"]

_PHASE = "Reading the log"


def read_log(source: Path | BinaryIO, *, name: str = "log", report: Report = silent) -> Log:
    """Read a log.

    Handles UTF-8, UTF-16 and Windows code pages, gzip, colours, progress bars, endless lines, and the
    prefixes of pip, Docker, CI services and quoted text. Memory is bounded: of a long log, only the relevant lines
    are kept.

    Args:
        source: A file's path, or an open stream of bytes, which need not be able to seek.
        name: Its name in evidence and errors.
        report: Gets the progress, in bytes.

    Raises:
        NotFound: There is no such file.
        BadRequest: It is empty, not text, or cannot be read.
    """
    if not isinstance(source, Path):
        return _read(source, name, None, report)
    try:
        with source.open("rb") as stream:
            return _read(stream, name, source.stat().st_size or None, report)
    except FileNotFoundError as error:
        raise NotFound(f"There is no file {source}.") from error
    except OSError as error:
        raise BadRequest(f"{source} cannot be read: {error.strerror}.") from error


def _read(stream: BinaryIO, name: str, size: int | None, report: Report) -> Log:
    keeper = Keeper()
    for block in blocks(
        stream, name=name, on_read=lambda done: report(Progress(_PHASE, done, size, "bytes"))
    ):
        keeper.take(block)
    kept = without_trials(list(clean(keeper.lines())))
    lines = [line for _, line in kept]
    sign = failure(lines)
    return Log(
        text="\n".join(lines),
        numbers=[number for number, _ in kept],
        total=keeper.total,
        first_error=first_error(lines).lines if sign else (),
        failed=sign is not None,
        name=name,
    )
