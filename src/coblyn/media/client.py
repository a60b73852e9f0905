"""Decodes image and sound files in processes that can be killed."""

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
"""Seconds after which decoding is abandoned, whatever the child does."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded file.

    Attributes:
        width: Width in pixels; for a sound, its number of samples.
        height: Height in pixels; for a sound, 1.
        data: Three bytes per pixel, or four per sample.
    """

    width: int
    height: int
    data: bytes = field(repr=False)


class MediaFiles:
    """Decodes files. Any thread may use it.

    Args:
        command: Starts a child.
        max_seconds: Seconds after which decoding is abandoned.
    """

    def __init__(
        self, command: tuple[str, ...] = COMMAND, *, max_seconds: float = MAX_SECONDS
    ) -> None:
        self._children = Children(command, max_seconds=max_seconds)

    def read(self, kind: str, data: bytes, sample_rate: int = 0) -> Decoded:
        """Decode a file.

        Args:
            kind: One of ``child.READERS``: ``image`` for PNG, JPEG, WebP, GIF and BMP files, ``sound`` for WAV, MP3,
                FLAC and Ogg Vorbis files.
            data: The file.
            sample_rate: Samples per second of a sound.

        Raises:
            Unreadable: It is not such a file, is broken, or exceeds the limits; the text continues a sentence.
        """
        answer = self._children.ask(msgspec.msgpack.encode((kind, data, sample_rate)))
        if answer is None:
            raise Unreadable(f"the {kind} takes too much time or memory to be read")
        word, found = msgspec.msgpack.decode(answer)
        if word == "refused":
            raise Unreadable(found)
        return Decoded(*found)

    def close(self) -> None:
        """End all child processes."""
        self._children.close()


@functools.cache
def shared_media_files() -> MediaFiles:
    """The decoder of this server; its child processes end with it."""
    files = MediaFiles()
    atexit.register(files.close)
    return files
