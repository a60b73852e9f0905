"""Decodes the output of a build from any bytes into blocks of whole lines in UTF-8.

Handles encodings, compression and endless lines; does not interpret the lines. Memory is bounded for any
input.
"""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from typing import TYPE_CHECKING, BinaryIO, cast

from coblyn.errors import BadRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["MAX_LINE", "blocks"]

MAX_LINE = 1 << 16
"""Maximum bytes of a line that are examined: half from the start and half from the end of a longer one."""

_BLOCK = 1 << 20
_SAMPLE = 1 << 16
_MAX_UNPACKED = 2 << 30
_CUT = " … ".encode()

_NOT_LOGS = {
    b"\x7fELF": "an ELF object or program",
    b"MZ": "a Windows program or library",
    b"\xcf\xfa\xed\xfe": "a Mach-O object or program",
    b"\xca\xfe\xba\xbe": "a universal Mach-O file",
    b"!<arch>\n": "an archive of objects",
    b"PK\x03\x04": "a zip archive",
    b"GGUF": "a GGUF model",
    b"%PDF": "a PDF document",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"SQLite format 3\0": "a database",
    b"\xfd7zXZ": "an xz archive",
    b"\x28\xb5\x2f\xfd": "a zstd archive",
    b"BZh": "a bzip2 archive",
}
_ARCHIVES = (b"PK", b"\xfd7z", b"\x28\xb5", b"BZh")
# All of C0 and DEL except what terminals and compilers write: tab, newline, form feed, carriage return, backspace,
# bell and escape. NUL is checked separately.
_CONTROLS = bytes({*range(1, 32), 0x7F} - set(b"\a\b\t\n\f\r\x1b"))


def blocks(stream: BinaryIO, *, name: str, on_read: Callable[[int], None]) -> Iterator[bytes]:
    r"""Whole lines in blocks of about a megabyte, each line ended by ``\n``.

    Args:
        stream: Bytes from anywhere; needs no seeking.
        name: Its name in errors.
        on_read: Receives the number of bytes read so far.

    Raises:
        BadRequest: It is empty, or not text.
    """
    chunks = _counted(stream, on_read)
    first = next(chunks, b"")
    if first.startswith(b"\x1f\x8b"):
        chunks = _unpacked(first, chunks, name)
        first = next(chunks, b"")
    if not first.strip(b"\0 \t\r\n\xef\xbb\xbf\xff\xfe"):
        _refuse_nothing(first, name)
    encoding = _utf16(first)
    if encoding:
        decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
        return _lines(decoder.decode(chunk).encode() for chunk in _again(first, chunks))
    _refuse_binary(first[:_SAMPLE], name)
    return _lines(_again(first.removeprefix(codecs.BOM_UTF8), chunks))


def _counted(stream: BinaryIO, on_read: Callable[[int], None]) -> Iterator[bytes]:
    done = 0
    while chunk := stream.read(_BLOCK):
        done += len(chunk)
        on_read(done)
        yield chunk


def _again(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


class _Chunks(io.RawIOBase):
    """Chunks as a file, for `gzip`."""

    def __init__(self, first: bytes, rest: Iterator[bytes]) -> None:
        self._have = first
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast("bytearray", buffer))
        self._have = self._have or next(self._rest, b"")
        count = min(len(view), len(self._have))
        view[:count] = self._have[:count]
        self._have = self._have[count:]
        return count


def _unpacked(first: bytes, rest: Iterator[bytes], name: str) -> Iterator[bytes]:
    done = 0
    try:
        with gzip.GzipFile(fileobj=io.BufferedReader(_Chunks(first, rest), _SAMPLE)) as file:
            while chunk := file.read(_BLOCK):
                done += len(chunk)
                if done > _MAX_UNPACKED:
                    raise BadRequest(f"{name} unpacks to more than 2 GB.", hint="Unpack it first.")
                yield chunk
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BadRequest(
            f"{name} is a broken gzip file ({error}).", hint="Unpack it first."
        ) from error


def _utf16(first: bytes) -> str:
    """PowerShell's ``>`` writes UTF-16; an excerpt of such a file has no byte order mark."""
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    sample = first[: _SAMPLE & ~1]
    even, odd = sample[::2], sample[1::2]
    if odd.count(0) > 0.8 * len(odd) and even.count(0) < 0.05 * len(even):
        return "utf-16-le"
    if even.count(0) > 0.8 * len(even) and odd.count(0) < 0.05 * len(odd):
        return "utf-16-be"
    return ""


def _refuse_nothing(first: bytes, name: str) -> None:
    if b"\0" in first.strip(b"\xff\xfe") and not _utf16(first):
        raise BadRequest(f"{name} is not a log: it is full of zero bytes.", hint=_HINT)
    raise BadRequest(
        f"{name} is empty.",
        hint="Errors go to the second stream of a program: make 2>&1 | coblyn doctor",
    )


def _refuse_binary(sample: bytes, name: str) -> None:
    for magic, what in _NOT_LOGS.items():
        # "MZ" and "BZh" could also be the start of a text.
        if sample.startswith(magic) and (len(magic) > 3 or _is_binary(sample)):
            hint = "Unpack it first." if magic.startswith(_ARCHIVES) else _HINT
            raise BadRequest(f"{name} is not a log but {what}.", hint=hint)
    if _is_binary(sample):
        raise BadRequest(f"{name} is not a log: it is not text.", hint=_HINT)


_HINT = "Save what the build writes: make > build.log 2>&1"


def _is_binary(sample: bytes) -> bool:
    controls = len(sample) - len(sample.translate(None, _CONTROLS))
    return sample.count(0) > 0.01 * len(sample) or controls > 0.04 * len(sample)


def _lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Cut after the last newline of each chunk, and remove the middle of endless lines."""
    rest = b""
    head = b""  # of a line that is too long to be kept
    for chunk in chunks:
        cut = chunk.rfind(b"\n") + 1
        if cut == 0:
            rest += chunk
            if len(rest) > MAX_LINE:
                head = head or rest[: MAX_LINE // 2]
                rest = rest[-MAX_LINE // 2 :]
            continue
        begin = chunk[:cut]
        if head:
            rest = head + _CUT + rest
            head = b""
        yield (rest + begin).replace(b"\r\n", b"\n")
        rest = chunk[cut:]
    if head or rest:
        yield (head + _CUT + rest if head else rest).rstrip(b"\r") + b"\n"
