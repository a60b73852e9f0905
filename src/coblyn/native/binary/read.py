"""Reads a binary file: detects its kind, checks the limits, and parses it."""

from __future__ import annotations

import mmap
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from coblyn.errors import BinaryUnreadable
from coblyn.files import human_size
from coblyn.native.binary.archive import ARCHIVE, THIN_ARCHIVE, ArchiveBroken, Member, members
from coblyn.native.binary.claims import (
    ClaimBroken,
    check_coff,
    check_elf,
    check_macho,
    check_pe,
)
from coblyn.native.binary.coff import read_coff
from coblyn.native.binary.elf import read_elf
from coblyn.native.binary.import_object import is_import_object, read_import_object
from coblyn.native.binary.macho import read_macho
from coblyn.native.binary.pe import read_pe
from coblyn.native.binary.universal import FAT, FAT64, UniversalBroken, slices

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coblyn.native.binary.binary import Binary

__all__ = ["MAX_SIZE", "looks_binary", "read"]

MAX_SIZE = 8 * 2**30
"""Maximum size in bytes of a file that is read; no library comes close."""

_ELF = b"\x7fELF"
_MACHO = (b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xfe\xed\xfa\xcf", b"\xfe\xed\xfa\xce")
_PE = b"MZ"
_BIG_COFF = b"\0\0\xff\xff"
_BITCODE = (b"BC\xc0\xde", b"\xde\xc0\x17\x0b")
# Machines of a plain COFF object, which has no magic number: x86-64, x86, ARM, ARM64.
_COFF = (b"\x64\x86", b"\x4c\x01", b"\xc4\x01", b"\x64\xaa", b"\x41\xa6")

_HINT = "Give object files, libraries, archives or programs (ELF, Mach-O, PE, COFF, ar)."


class _Skipped(ValueError):
    """A file of a kind that cannot be read; the message says which."""


def looks_binary(path: Path) -> bool:
    """Whether a file begins like one that `read` reads; False for a file that cannot be opened."""
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError:
        return False
    return head.startswith((_ELF, *_MACHO, FAT, FAT64, _PE, ARCHIVE, THIN_ARCHIVE, *_BITCODE)) or (
        head.startswith((_BIG_COFF, *_COFF)) and path.suffix.lower() in (".o", ".obj")
    )


def read(path: Path, *, with_code: bool = True) -> tuple[Binary, ...]:
    """Read an object file, library, program or archive.

    Args:
        path: The file.
        with_code: Whether to examine instructions, too, which takes the most time.

    Returns:
        One value per slice (universal files) and per member (archives).

    Raises:
        BinaryUnreadable: It is none of these, is truncated or damaged, too large, or cannot be opened; the message
            says which and where.
    """
    import lief

    # lief writes its complaints about a file to stderr.
    lief.logging.disable()
    with _opened(path) as data:
        try:
            with warnings.catch_warnings():
                # lief's bindings warn about each number that is not a known kind.
                warnings.simplefilter("ignore", RuntimeWarning)
                return tuple(_read(data, path, with_code=with_code))
        except (ArchiveBroken, UniversalBroken, ClaimBroken, _Skipped) as error:
            raise BinaryUnreadable(f"{path} cannot be read: {error}.", hint=_hint(error)) from error


@contextmanager
def _opened(path: Path) -> Iterator[memoryview]:
    """The file's bytes, memory-mapped: none is in memory yet."""
    try:
        if not path.is_file():
            what = "is not a file" if path.exists() else "does not exist"
            raise BinaryUnreadable(f"{path} {what}.", hint=_HINT)
        size = path.stat().st_size
        if size == 0:
            raise BinaryUnreadable(
                f"{path} is empty.",
                hint="A build that was interrupted leaves such files: delete it.",
            )
        _check_size(path, size)
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole:
            view = memoryview(whole)
            try:
                yield view
            finally:
                view.release()
    except OSError as error:
        reason = error.strerror or str(error)
        raise BinaryUnreadable(f"{path} cannot be opened: {reason}.") from error


def _check_size(path: Path, size: int) -> None:
    # lief keeps a copy of the file.
    if size > MAX_SIZE or size > psutil.virtual_memory().available:
        raise BinaryUnreadable(f"{path} has {human_size(size)}, too much to be read here.")


def _hint(error: Exception) -> str:
    if isinstance(error, _Skipped):
        return _HINT
    return "A build or download that was interrupted leaves such files: delete it, and build again."


def _read(data: memoryview, path: Path, *, with_code: bool) -> Iterator[Binary]:
    head = bytes(data[:8])
    if head in (ARCHIVE, THIN_ARCHIVE):
        yield from _archive(data, path, with_code=with_code)
    elif head.startswith((FAT, FAT64)):
        for piece in slices(data):
            with data[piece.offset : piece.offset + piece.size] as part:
                if bytes(part[:8]) == ARCHIVE:
                    yield from _archive(part, path, with_code=with_code)
                else:
                    yield _thin(part, bytes(part), path, "", with_code=with_code)
    else:
        yield _thin(data, path, path, "", with_code=with_code)


def _archive(data: memoryview, path: Path, *, with_code: bool) -> Iterator[Binary]:
    for member in members(data):
        try:
            if member.is_outside:
                yield from _outside(member, path, with_code=with_code)
                continue
            with data[member.offset : member.offset + member.size] as part:
                if _is_data(part):
                    continue
                yield _thin(part, bytes(part), path, member.name, with_code=with_code)
        except (ClaimBroken, _Skipped) as error:
            raise type(error)(f"in its member {member.name}, {error}") from error


def _is_data(part: memoryview) -> bool:
    """Whether a member is of another kind, such as Rust's metadata; linkers ignore these."""
    head = bytes(part[:8])
    return not head.startswith((_ELF, *_MACHO, _BIG_COFF, *_COFF, *_BITCODE))


def _outside(member: Member, path: Path, *, with_code: bool) -> Iterator[Binary]:
    """Read a member of a thin archive, which is a separate file."""
    place = path.parent / member.name
    with _opened(place) as part:
        if not _is_data(part):
            yield _thin(part, place, path, member.name, with_code=with_code)


def _thin(
    data: memoryview, source: Path | bytes, path: Path, member: str, *, with_code: bool
) -> Binary:
    """Read one object, library or program."""
    binary = _parsed(data, source, path, member, with_code=with_code)
    if binary is None:
        raise ClaimBroken("its header is not that of a sound file")
    return binary


def _parsed(
    data: memoryview, source: Path | bytes, path: Path, member: str, *, with_code: bool
) -> Binary | None:
    head = bytes(data[:4])
    if head == _ELF:
        check_elf(data)
        return read_elf(source, path, member, with_code=with_code)
    if head in _MACHO:
        check_macho(data)
        return read_macho(source, path, member, with_code=with_code)
    if head.startswith(_PE):
        check_pe(data)
        return read_pe(source, path, with_code=with_code)
    if is_import_object(data):
        try:
            return read_import_object(data, path, member)
        except ValueError as error:
            raise ClaimBroken(str(error)) from error
    if head == _BIG_COFF or head.startswith(_COFF):
        _refuse_foreign(data)
        check_coff(data)
        return read_coff(data, source, path, member, with_code=with_code)
    if head in _BITCODE:
        raise _Skipped("it is LLVM bitcode (made with -flto), which becomes code only in the link")
    raise _Skipped("it is not an object file, library, program or archive")


def _refuse_foreign(data: memoryview) -> None:
    # ANON_OBJECT_HEADER_BIGOBJ has version 2 or newer and this class id; others are not meant for readers.
    bigobj = bytes.fromhex("c7a1bad1eebaa94baf20faf66aa4dcb8")
    if bytes(data[:4]) == _BIG_COFF and bytes(data[12:28]) != bigobj:
        raise _Skipped("it was made with /GL, and becomes code only in the link")
