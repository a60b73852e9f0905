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

from coblyn.errors import BadRequest

__all__ = ["MAX_UNPACKED", "Archive", "decoded", "inflated", "json_of", "unbase64"]

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


def json_of(data: bytes | str, what: str) -> Any:
    """Parse a JSON value.

    Args:
        data: Its text; a byte order mark is skipped.
        what: Its name in errors.

    Raises:
        BadRequest: It is not JSON, or exceeds the limits of size or depth.
    """
    if len(data) > MAX_JSON:
        raise BadRequest(f"{what} is larger than {MAX_JSON >> 20} MiB.")
    try:
        text = data.decode("utf-8-sig") if isinstance(data, bytes) else data.removeprefix("\ufeff")
        value = json.loads(text)
    except UnicodeDecodeError as error:
        raise BadRequest(f"{what} is not UTF-8 text.") from error
    except RecursionError as error:
        raise BadRequest(f"{what} is nested too deep.") from error
    except ValueError as error:
        raise BadRequest(f"{what} is not JSON: {error}.") from error
    _require_modest(value, what)
    return _scrubbed(value) if "\\ud" in text or "\\uD" in text else value


def _require_modest(value: Any, what: str) -> None:
    """Reject values that are too deeply nested or have too many parts."""
    level, num_parts = [value], 0
    for _ in range(MAX_DEPTH):
        level = [part for one in level for part in _parts(one)]
        num_parts += len(level)
        if num_parts > MAX_PARTS:
            raise BadRequest(f"{what} has more than {MAX_PARTS} parts.")
        if not level:
            return
    raise BadRequest(f"{what} is nested more than {MAX_DEPTH} deep.")


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


def decoded(data: bytes, what: str) -> str:
    """Decode text in UTF-8 or, with a byte order mark, in UTF-16.

    Raises:
        BadRequest: It is none.
    """
    try:
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return data.decode("utf-16")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadRequest(f"{what} is not UTF-8 text.") from error


def unbase64(data: bytes, what: str) -> bytes:
    """Decode base64, also with line breaks and without padding.

    Raises:
        BadRequest: It is not base64.
    """
    plain = b"".join(data.split()).rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    try:
        return base64.b64decode(plain + b"=" * (-len(plain) % 4), validate=True)
    except binascii.Error as error:
        raise BadRequest(f"{what} is not base64.") from error


def inflated(data: bytes, what: str, limit: int = MAX_JSON) -> bytes:
    """Decompress bytes (zlib).

    Raises:
        BadRequest: They cannot be decompressed, or are more than ``limit``.
    """
    try:
        unpacker = zlib.decompressobj()
        unpacked = unpacker.decompress(data, limit)
        if unpacker.unconsumed_tail:
            raise BadRequest(f"Unpacked, {what} is larger than {limit >> 20} MiB.")
        if not unpacker.eof:
            raise BadRequest(f"{what} is cut short.")
    except zlib.error as error:
        raise BadRequest(f"{what} cannot be unpacked.") from error
    return unpacked


class Archive:
    """A zip archive; a context manager.

    Args:
        data: The file. Data before the archive, such as a picture, is skipped.
        what: Its name in errors.

    Raises:
        BadRequest: It is not an archive, or exceeds the limits.
    """

    def __init__(self, data: bytes, what: str) -> None:
        self._what = what
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except _UNREADABLE as error:
            raise BadRequest(f"{what} is not a zip archive.") from error
        infos = self._zip.infolist()
        self.names = [info.filename for info in infos]
        size = sum(info.file_size for info in infos)
        if len(infos) > MAX_MEMBERS or size > MAX_UNPACKED:
            self._zip.close()
            raise BadRequest(
                f"{what} is not unpacked: it holds {len(infos)} files of {size >> 20} MiB in all,"
                f" and at most {MAX_MEMBERS} of {MAX_UNPACKED >> 20} MiB are read."
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def read(self, name: str, limit: int = MAX_JSON) -> bytes:
        """Read a file of the archive.

        Raises:
            BadRequest: It is missing, damaged, encrypted, or larger than ``limit``.
        """
        try:
            with self._zip.open(name) as file:
                data = file.read(limit + 1)
        except _UNREADABLE as error:
            raise BadRequest(f"{self._what}: {name} cannot be unpacked.") from error
        if len(data) > limit:
            raise BadRequest(f"{self._what}: {name} is larger than {limit >> 20} MiB.")
        return data
