"""The process that decodes image and sound files. It ends when its standard input ends or it exceeds its limits."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from coblyn.children.blocks import read_block, write_block
from coblyn.children.limits import limit_memory, limit_seconds
from coblyn.media.image import read_image
from coblyn.media.sound import read_sound
from coblyn.media.unreadable import Unreadable

__all__ = ["READERS", "main"]

_Read = tuple[int, int, bytes]

_MAX_MEMORY = 1 << 30
"""Maximum address space for decoding a file, in bytes."""

_MAX_SECONDS = 20.0
"""Maximum processor time per file, in seconds."""


def main() -> None:
    """Decode files until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    limit_memory(_MAX_MEMORY)
    questions, answers = sys.stdin.buffer, sys.stdout.buffer
    while (question := read_block(questions)) is not None:
        limit_seconds(_MAX_SECONDS)
        answer = _answer(*msgspec.msgpack.decode(question))
        limit_seconds(0.0)
        try:
            write_block(answers, msgspec.msgpack.encode(answer))
        except BrokenPipeError:
            return


def _image(data: bytes, _: int) -> _Read:
    pixels = read_image(data)
    return pixels.width, pixels.height, pixels.data


def _sound(data: bytes, sample_rate: int) -> _Read:
    samples = read_sound(data, sample_rate)
    return len(samples) // 4, 1, samples


READERS: Mapping[str, Callable[[bytes, int], _Read]] = {"image": _image, "sound": _sound}
"""Decodes each kind of file: from its bytes and a sample rate to width, height and data (``Decoded``)."""


def _answer(kind: str, data: bytes, sample_rate: int) -> tuple[str, Any]:
    try:
        return "read", READERS[kind](data, sample_rate)
    except Unreadable as error:
        return "refused", str(error)
    except MemoryError:
        return "refused", "it takes too much memory"


if __name__ == "__main__":
    main()
