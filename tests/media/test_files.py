"""Files of strangers become pixels and samples, or are refused; nothing that they do harms the server."""

from __future__ import annotations

import io
import random
import sys
import time
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from coblyn.media.client import MediaFiles
from coblyn.media.image import MAX_PIXELS_KEPT
from coblyn.media.unreadable import Unreadable
from media.files import animation, bomb, image_file, sound_file

# As the real child, but with little patience.
HASTY_CHILD = """
from coblyn.media import child
child._MAX_SECONDS = 0.3
child._answer = lambda *_: any(iter(int, 1))
child.main()
"""
HASTY = (sys.executable, "-c", HASTY_CHILD)


@pytest.fixture(scope="module")
def files() -> Iterator[MediaFiles]:
    files = MediaFiles()
    yield files
    files.close()


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        ("PNG", "RGB"),
        ("PNG", "L"),
        ("PNG", "LA"),
        ("PNG", "P"),
        ("PNG", "1"),
        ("PNG", "RGBA"),
        ("JPEG", "RGB"),
        ("JPEG", "L"),
        ("JPEG", "CMYK"),
        ("WEBP", "RGB"),
        ("WEBP", "RGBA"),
        ("GIF", "P"),
        ("BMP", "RGB"),
    ],
)
def test_images_of_every_kind(files: MediaFiles, kind: str, mode: str) -> None:
    found = files.read("image", image_file(kind, mode=mode))
    assert (found.width, found.height, len(found.data)) == (90, 60, 90 * 60 * 3)
    assert np.frombuffer(found.data, np.uint8).std() > 10


def test_pixels_are_those_of_the_file(files: MediaFiles) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)
    assert files.read("image", image_file()).data == pixels.tobytes()


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_frame_is_seen(files: MediaFiles, kind: str) -> None:
    assert files.read("image", animation(kind)).data == bytes((255, 0, 0)) * 64


def test_what_is_transparent_is_white(files: MediaFiles) -> None:
    buffer = io.BytesIO()
    Image.new("RGBA", (2, 1), (255, 0, 0, 0)).save(buffer, "PNG")
    assert files.read("image", buffer.getvalue()).data == b"\xff" * 6


def test_a_photograph_is_seen_upright(files: MediaFiles) -> None:
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    Image.new("RGB", (40, 20)).save(buffer, "JPEG", exif=exif)
    found = files.read("image", buffer.getvalue())
    assert (found.width, found.height) == (20, 40)


def test_a_large_one_is_scaled_down(files: MediaFiles) -> None:
    found = files.read("image", image_file("JPEG", mode="L", size=(3000, 2000)))
    assert found.width * found.height <= MAX_PIXELS_KEPT
    assert found.width / found.height == pytest.approx(1.5, rel=0.01)
    assert found.width * found.height > 0.9 * MAX_PIXELS_KEPT


def test_sixteen_bits_become_eight(files: MediaFiles) -> None:
    buffer = io.BytesIO()
    Image.fromarray(np.array([[0, 0x8000, 0xFFFF]], np.uint16)).save(buffer, "PNG")
    assert files.read("image", buffer.getvalue()).data == bytes(
        (0, 0, 0, 128, 128, 128, 255, 255, 255)
    )


def test_one_pixel_is_enough(files: MediaFiles) -> None:
    assert len(files.read("image", image_file(size=(1, 1))).data) == 3


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not an image"),
        (b"\0" * 100, "not an image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not an image"),
        (b"%PDF-1.4", "not an image"),
        (image_file("TIFF"), "not an image"),
        (image_file()[:-500], "broken"),
        (image_file("JPEG")[:-900], "broken"),
        (image_file("WEBP")[:-900], "broken"),
        (image_file()[:30], "not an image"),
        (bomb(20_000, 20_000), "20000 x 20000"),
        (bomb(2**31 - 1, 2**31 - 1), "pixels"),
        (bomb(8_000, 8_000), "broken"),
        (image_file(size=(1, 201)), "too narrow"),
    ],
)
def test_what_is_no_image_is_refused(files: MediaFiles, data: bytes, words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        files.read("image", data)


def test_damaged_files_are_read_or_refused(files: MediaFiles) -> None:
    random.seed(1)
    for kind in ("PNG", "JPEG", "WEBP", "GIF", "BMP"):
        whole = image_file(kind, mode="P" if kind == "GIF" else "RGB")
        for _ in range(12):
            data = bytearray(whole)
            for _ in range(random.randint(1, 20)):
                data[random.randrange(len(data))] = random.randrange(256)
            try:
                found = files.read("image", bytes(data))
            except Unreadable:
                continue
            assert len(found.data) == found.width * found.height * 3


def test_sounds(files: MediaFiles) -> None:
    found = files.read("sound", sound_file(0.5), 16_000)
    samples = np.frombuffer(found.data, np.float32)
    assert (found.width, found.height, len(samples)) == (8_000, 1, 8_000)
    assert np.abs(np.fft.rfft(samples)).argmax() == pytest.approx(440 * 0.5, abs=1)


def test_a_short_sound_is_filled_up(files: MediaFiles) -> None:
    assert files.read("sound", sound_file(0.001), 16_000).width == 1_600


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not a sound"),
        (b"RIFF" + b"x" * 50, "not a sound"),
        (sound_file()[:44], "no samples"),
        (image_file(), "not a sound"),
        (sound_file(601, rate=8_000, channels=1), "longer than 600 seconds"),
    ],
)
def test_what_is_no_sound_is_refused(files: MediaFiles, data: bytes, words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        files.read("sound", data, 16_000)


def test_one_that_takes_long_is_ended() -> None:
    files = MediaFiles(HASTY)
    began = time.monotonic()
    with pytest.raises(Unreadable, match="time or memory"):
        files.read("image", image_file())
    assert time.monotonic() - began < 30
    files.close()
