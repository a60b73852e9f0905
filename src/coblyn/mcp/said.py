"""Keeps the standard error output of a tool server in a file of bounded size."""

from __future__ import annotations

import codecs
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TextIO

from coblyn.mcp.pace import Pace

__all__ = ["MAX_BYTES", "kept_in"]

MAX_BYTES = 1_000_000
"""Maximum size of the file; one older file is kept next to it."""

_CHUNK = 1 << 16
_BURST, _RATE = 16.0 * (1 << 20), 1.0 * (1 << 20)
"""Bytes that a program may write at once, and a second after that; one that writes more waits."""


@contextmanager
def kept_in(path: Path) -> Iterator[TextIO]:
    """A stream for a program to write to; a thread keeps its newest part in ``path`` and ``path.1``.

    The thread ends with the last program that has the stream open, which may be after the block.

    Raises:
        OSError: The file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")
    reading, writing = os.pipe()
    threading.Thread(target=_keep, args=(reading, path), name=path.stem, daemon=True).start()
    with os.fdopen(writing, "w", encoding="utf-8") as stream:
        yield stream


class _Patient(RotatingFileHandler):
    """Writes lines unchanged. On a full disk, output is lost, but the program is never blocked."""

    terminator = ""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Ignore errors: there is no place to report them."""


def _keep(reading: int, path: Path) -> None:
    """Write the stream to the log until it ends."""
    file = _Patient(path, maxBytes=MAX_BYTES, backupCount=1, encoding="utf-8")
    pace = Pace(_BURST, _RATE)
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        while chunk := pipe.read(_CHUNK):
            text = decoder.decode(chunk)
            file.emit(logging.LogRecord("", logging.INFO, "", 0, "%s", (text,), None))
            time.sleep(pace.take(len(chunk)))
    file.close()
