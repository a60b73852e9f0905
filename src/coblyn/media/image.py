"""Decodes image files; runs in the child process, since decoders may fail in any way on untrusted files."""

from __future__ import annotations

import io
import math
import warnings
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from coblyn.media.unreadable import Unreadable

__all__ = ["MAX_PIXELS_KEPT", "MAX_PIXELS_READ", "Pixels", "read_image"]

MAX_PIXELS_READ = 64_000_000
"""Maximum number of pixels of an image to decode: 64 million."""

MAX_PIXELS_KEPT = 1 << 22
"""Larger images are scaled down to this many pixels; current projectors use at most 4 million."""

MAX_RATIO = 200
"""Maximum aspect ratio, which is the limit of models that accept any size."""

_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
_DEEP = ("I;16", "I;16L", "I;16B", "I")
"""Modes with 16 bits per pixel."""


@dataclass(frozen=True, slots=True)
class Pixels:
    """A decoded image: red, green and blue of each pixel, row by row."""

    width: int
    height: int
    data: bytes


def read_image(data: bytes) -> Pixels:
    """The first frame of an image file, upright, on white where it is transparent.

    Args:
        data: PNG, JPEG, WebP, GIF or BMP.

    Raises:
        Unreadable: It is not an image, is broken, or is too large.
    """
    # The limits below apply instead.
    Image.MAX_IMAGE_PIXELS = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
                _require_fitting(*image.size)
                return _pixels(image)
    except UnidentifiedImageError:
        raise Unreadable(
            "this is not an image that can be read: it has to be PNG, JPEG, WebP, GIF or BMP"
        ) from None
    except (OSError, ValueError, SyntaxError, EOFError, ArithmeticError, LookupError) as error:
        raise Unreadable(f"the image is broken: {error}") from error


def _require_fitting(width: int, height: int) -> None:
    if width < 1 or height < 1:
        raise Unreadable("the image has no pixels")
    if width * height > MAX_PIXELS_READ:
        raise Unreadable(
            f"the image has {width} x {height} pixels, and at most {MAX_PIXELS_READ / 1e6:.0f} million are read"
        )
    if max(width, height) > MAX_RATIO * min(width, height):
        raise Unreadable(f"the image is too narrow: {width} x {height} pixels")


def _pixels(image: Image.Image) -> Pixels:
    scale = math.sqrt(MAX_PIXELS_KEPT / (image.width * image.height))
    if scale < 1:
        wanted = (max(1, int(image.width * scale)), max(1, int(image.height * scale)))
        image.draft("RGB", wanted)  # JPEGs are decoded at a reduced size, but not below this
    upright = ImageOps.exif_transpose(image)
    plain = _on_white(_shallow(upright))
    if scale < 1:
        scale = min(1.0, math.sqrt(MAX_PIXELS_KEPT / (plain.width * plain.height)))
        wanted = (max(1, int(plain.width * scale)), max(1, int(plain.height * scale)))
        plain = plain.resize(wanted, Image.Resampling.LANCZOS, reducing_gap=3.0)
    return Pixels(plain.width, plain.height, plain.tobytes())


def _shallow(image: Image.Image) -> Image.Image:
    """The same image with 8 bits per channel."""
    if image.mode not in _DEEP:
        return image
    return Image.fromarray((np.asarray(image).clip(0, 0xFFFF) >> 8).astype(np.uint8))


def _on_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    shown = image.convert("RGBA")
    ground = Image.new("RGBA", shown.size, "white")
    return Image.alpha_composite(ground, shown).convert("RGB")
