"""Has files of images and sounds read in processes that can be killed."""

from __future__ import annotations

import atexit
import functools
import sys
from dataclasses import dataclass, field

import msgspec

from coblyn.children.client import Children
from coblyn.media.unreadable import Unreadable

__all__ = ["COMMAND", "Decoded", "MediaFiles", "shared_media_files"]

COMMAND = (sys.executable, "-m", "coblyn.media.child")

MAX_SECONDS = 60.0
"""Until a file is given up, whatever the child does."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded file.

    Attributes:
        width: Pixels in a row; for a sound, its samples.
        height: Rows; for a sound, 1.
        data: Three bytes a pixel, or four a sample.
    """

    width: int
    height: int
    data: bytes = field(repr=False)


class MediaFiles:
    """Reads files. Any thread may use it.

    Args:
        command: Starts a child.
        max_seconds: Until a file is given up.
    """

    def __init__(
        self, command: tuple[str, ...] = COMMAND, *, max_seconds: float = MAX_SECONDS
    ) -> None:
        self._children = Children(command, max_seconds=max_seconds)

    def image(self, data: bytes) -> Decoded:
        """The pixels of a PNG, JPEG, WebP, GIF or BMP file.

        Raises:
            Unreadable: It is none, broken, or beyond the limits; the text goes on a sentence.
        """
        return self._read("image", data, 0)

    def sound(self, data: bytes, sample_rate: int) -> Decoded:
        """The samples of a WAV, MP3, FLAC or Ogg Vorbis file.

        Raises:
            Unreadable: As ``image`` says.
        """
        return self._read("sound", data, sample_rate)

    def close(self) -> None:
        """End all children."""
        self._children.close()

    def _read(self, kind: str, data: bytes, sample_rate: int) -> Decoded:
        answer = self._children.ask(msgspec.msgpack.encode((kind, data, sample_rate)))
        if answer is None:
            raise Unreadable(f"the {kind} takes too much time or memory to be read")
        word, found = msgspec.msgpack.decode(answer)
        if word == "refused":
            raise Unreadable(found)
        return Decoded(*found)


@functools.cache
def shared_media_files() -> MediaFiles:
    """That of this server; its children end with it."""
    files = MediaFiles()
    atexit.register(files.close)
    return files
