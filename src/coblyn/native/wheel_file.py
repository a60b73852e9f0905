"""Writes a wheel file: entries, the kind of wheel, and the record of all digests.

Format: the binary distribution format of packaging.python.org. Does not know what is packed.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coblyn import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["WheelEntry", "write_wheel_file"]

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same content gives the same wheel, whenever it is made
_UNIX = 3  # modes count only in files made on Unix
_REGULAR_FILE = 0o100000


@dataclass(frozen=True, slots=True)
class WheelEntry:
    """A file of a wheel: its path inside, its content, and its permissions."""

    name: str
    content: bytes
    mode: int = 0o644


def write_wheel_file(path: Path, entries: Sequence[WheelEntry], *, is_pure: bool) -> None:
    """Write a wheel atomically: the file appears complete or not at all.

    Args:
        path: Path of the wheel; its name has the form NAME-VERSION-PYTHON-ABI-PLATFORM.whl.
        entries: Its files, without WHEEL and RECORD.
        is_pure: Whether it is installed where code for any machine is.
    """
    name, version, *tag = path.name.removesuffix(".whl").split("-")
    info = f"{name}-{version}.dist-info"
    text = (
        f"Wheel-Version: 1.0\nGenerator: coblyn {__version__}\n"
        f"Root-Is-Purelib: {str(is_pure).lower()}\nTag: {'-'.join(tag)}\n"
    )
    part = path.with_suffix(".part")
    try:
        _write(part, [*entries, WheelEntry(f"{info}/WHEEL", text.encode())], f"{info}/RECORD")
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise


def _write(path: Path, entries: Sequence[WheelEntry], record: str) -> None:
    rows = io.StringIO()
    lines = csv.writer(rows, lineterminator="\n")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for each in entries:
            _add(archive, each)
            lines.writerow((each.name, f"sha256={_digest(each.content)}", len(each.content)))
        lines.writerow((record, "", ""))
        _add(archive, WheelEntry(record, rows.getvalue().encode()))


def _add(archive: zipfile.ZipFile, entry: WheelEntry) -> None:
    info = zipfile.ZipInfo(entry.name, _EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.create_system = _UNIX
    info.external_attr = (_REGULAR_FILE | entry.mode) << 16
    archive.writestr(info, entry.content)


def _digest(content: bytes) -> str:
    """A digest in RECORD's form: SHA-256 in the URL-safe alphabet, without padding."""
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
