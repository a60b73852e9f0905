"""Reads untrusted JSON, archives and compressed text within limits.

A decompression bomb only causes an error message.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import zipfile
import zlib
from typing import Any, Self

from coblyn.story.phrases import Phrase, refused

__all__ = ["MAX_UNPACKED", "Archive", "What", "decoded", "inflated", "json_of", "unbase64"]

What = Phrase | str
"""What an error is about: a phrase, or the name of a file."""

MAX_JSON = 64 << 20
MAX_MEMBERS = 10_000
MAX_UNPACKED = 512 << 20
MAX_DEPTH = 200
MAX_PARTS = 2_000_000

_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    KeyError,
    ValueError,
    NotImplementedError,
    RuntimeError,
    OSError,
    EOFError,
)
"""Exceptions that the library raises for damaged and encrypted archives."""


def json_of(data: bytes | str, what: What) -> Any:
    """Parse a JSON value.

    Args:
        data: Its text; a byte order mark is skipped.
        what: Its name in errors.

    Raises:
        FileRefused: It is not JSON, or exceeds the limits of size or depth.
    """
    if len(data) > MAX_JSON:
        raise refused("too_large", what=what, n=MAX_JSON >> 20)
    try:
        text = data.decode("utf-8-sig") if isinstance(data, bytes) else data.removeprefix("\ufeff")
        value = json.loads(text)
    except UnicodeDecodeError as error:
        raise refused("no_utf8", what=what) from error
    except RecursionError as error:
        raise refused("too_deep", what=what, n=MAX_DEPTH) from error
    except json.JSONDecodeError as error:
        raise refused("no_json", what=what, line=error.lineno, column=error.colno) from error
    except ValueError as error:
        raise refused("no_json_number", what=what) from error
    _require_modest(value, what)
    return _scrubbed(value) if "\\ud" in text or "\\uD" in text else value


def _require_modest(value: Any, what: What) -> None:
    """Reject values that are too deeply nested or have too many parts."""
    level, num_parts = [value], 0
    for _ in range(MAX_DEPTH):
        level = [part for one in level for part in _parts(one)]
        num_parts += len(level)
        if num_parts > MAX_PARTS:
            raise refused("too_many_parts", what=what, n=MAX_PARTS)
        if not level:
            return
    raise refused("too_deep", what=what, n=MAX_DEPTH)


def _parts(value: Any) -> Any:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _scrubbed(value: Any) -> Any:
    """Replace lone surrogates, which no file can store, by question marks."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_scrubbed(one) for one in value]
    if isinstance(value, dict):
        return {_scrubbed(key): _scrubbed(one) for key, one in value.items()}
    return value


def decoded(data: bytes, what: What) -> str:
    """Decode text in UTF-8 or, with a byte order mark, in UTF-16.

    Raises:
        FileRefused: It is none.
    """
    try:
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return data.decode("utf-16")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise refused("no_utf8", what=what) from error


def unbase64(data: bytes, what: What) -> bytes:
    """Decode base64, also with line breaks and without padding.

    Raises:
        FileRefused: It is not base64.
    """
    plain = b"".join(data.split()).rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    try:
        return base64.b64decode(plain + b"=" * (-len(plain) % 4), validate=True)
    except binascii.Error as error:
        raise refused("no_base64", what=what) from error


def inflated(data: bytes, what: What, limit: int = MAX_JSON) -> bytes:
    """Decompress bytes (zlib).

    Raises:
        FileRefused: They cannot be decompressed, or are more than ``limit``.
    """
    try:
        unpacker = zlib.decompressobj()
        unpacked = unpacker.decompress(data, limit)
        if unpacker.unconsumed_tail:
            raise refused("too_large_unpacked", what=what, n=limit >> 20)
        if not unpacker.eof:
            raise refused("cut_short", what=what)
    except zlib.error as error:
        raise refused("not_unpacked", what=what) from error
    return unpacked


class Archive:
    """A zip archive; a context manager.

    Args:
        data: The file. Data before the archive, such as a picture, is skipped.
        what: Its name in errors.

    Raises:
        FileRefused: It is not an archive, or exceeds the limits.
    """

    def __init__(self, data: bytes, what: What) -> None:
        self._what = what
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except _UNREADABLE as error:
            raise refused("no_archive", what=what) from error
        infos = self._zip.infolist()
        self.names = [info.filename for info in infos]
        size = sum(info.file_size for info in infos)
        if len(infos) > MAX_MEMBERS or size > MAX_UNPACKED:
            self._zip.close()
            limits = {"max_files": MAX_MEMBERS, "max_size": MAX_UNPACKED >> 20}
            raise refused("too_many_files", what=what, files=len(infos), size=size >> 20, **limits)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def read(self, name: str, limit: int = MAX_JSON) -> bytes:
        """Read a file of the archive.

        Raises:
            FileRefused: It is missing, damaged, encrypted, or larger than ``limit``.
        """
        try:
            with self._zip.open(name) as file:
                data = file.read(limit + 1)
        except _UNREADABLE as error:
            raise refused("file_not_unpacked", what=self._what, name=name) from error
        if len(data) > limit:
            raise refused("file_too_large", what=self._what, name=name, n=limit >> 20)
        return data
