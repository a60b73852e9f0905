"""A partial download: ``<target>.part`` has the received bytes, ``<target>.part.json`` identifies the file.

Handles HTTP's headers for "the rest of the same file"; otherwise independent of the source of the bytes.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from coblyn.files import put_in_place

__all__ = ["Part"]

_BLOCK = 2**20


class Part:
    """The received bytes, on disk and in the checksum.

    Args:
        target: The file's name when complete.
        sha256: Its hex digest, if known: then bytes of any server that has it can be joined.
        source: Identifies the file otherwise, such as its URL.

    Attributes:
        path: The part's file.
        done: Bytes that have arrived.
        was_resumed: Whether some of them are from an earlier process.

    Raises:
        OSError: It cannot be written; all methods that write may raise this.
    """

    def __init__(self, target: Path, *, sha256: str | None, source: str) -> None:
        self._target = target
        self.path = target.with_name(target.name + ".part")
        self._note = target.with_name(target.name + ".part.json")
        self._key = sha256 or source
        self._is_pinned = sha256 is not None
        self._validator = ""
        self._digest = hashlib.sha256()
        self.done = 0
        self.was_resumed = False
        self._file = self.path.open("ab+", buffering=0)  # unbuffered: a kill loses nothing
        try:
            self._take_over()
        except OSError:  # a full disk, which keeps the empty files
            self.discard()
            raise

    def _take_over(self) -> None:
        """Continue the part of an earlier process, if it was fetching the same file."""
        try:
            note = json.loads(self._note.read_text("utf-8"))
            key, self._validator = str(note["key"]), str(note["validator"])
        except (OSError, ValueError, KeyError, TypeError):
            key = ""
        if key != self._key or not (self._is_pinned or self._validator):
            self.restart("")
            return
        self._file.seek(0)
        while block := self._file.read(_BLOCK):
            self._digest.update(block)
            self.done += len(block)
        self.was_resumed = self.done > 0

    def restart(self, validator: str) -> None:
        """Discard the received bytes; ``validator`` is the ETag or date of the file that follows."""
        self._file.truncate(0)
        self._validator = validator
        self._note.write_text(json.dumps({"key": self._key, "validator": validator}), "utf-8")
        self._digest = hashlib.sha256()
        self.done = 0
        self.was_resumed = False

    def range_headers(self) -> dict[str, str]:
        """Headers that request only the rest, and only of the same file."""
        if not self.done or not (self._is_pinned or self._validator):
            return {}
        headers = {"Range": f"bytes={self.done}-"}
        return headers | ({"If-Range": self._validator} if self._validator else {})

    def append(self, block: bytes) -> None:
        """Append received bytes."""
        view = memoryview(block)
        while view:  # a raw write may be short, as it is when the disk fills up
            view = view[self._file.write(view) or 0 :]
        self._digest.update(block)
        self.done += len(block)

    def digest(self) -> str:
        """Hex SHA-256 of the received bytes."""
        return self._digest.hexdigest()

    def close(self) -> None:
        """Close the part and keep it for the next process."""
        self._file.close()

    def discard(self) -> None:
        """Remove it."""
        self.close()
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def finish(self) -> None:
        """Everything has arrived: rename it to the target."""
        self.close()
        put_in_place(self.path, self._target)
        self._note.unlink(missing_ok=True)
