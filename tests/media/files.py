"""Files of images and sounds, sound ones and others."""

from __future__ import annotations

import base64
import io
import struct
import wave
import zlib
from typing import Any

import numpy as np
from PIL import Image


def image_file(
    kind: str = "PNG",
    *,
    mode: str = "RGB",
    size: tuple[int, int] = (90, 60),
    seed: int = 0,
    **options: Any,
) -> bytes:
    """A random image, as a file."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()


def animation(kind: str) -> bytes:
    """A red frame, and then a blue one."""
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    buffer = io.BytesIO()
    frames[0].save(buffer, kind, save_all=True, append_images=frames[1:], lossless=True)
    return buffer.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG that says that it has so many pixels, all black, in a few kilobytes."""

    def part(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1 << 20), 9)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", body) + part(b"IEND", b"")


def sound_file(seconds: float = 0.5, *, rate: int = 44_100, channels: int = 2) -> bytes:
    """A tone, as a WAV file of 16 bits."""
    samples = np.sin(np.arange(int(seconds * rate)) * 2 * np.pi * 440 / rate) * 16_000
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.repeat(samples.astype("<i2"), channels).tobytes())
    return buffer.getvalue()


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def data_address(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64_of(data)}"
