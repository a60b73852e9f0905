"""What compilers record in the objects that they produce: compiler, options, system.

What is read, and what writes it:

- ELF ``.comment``: gcc and clang write name and version, unless ``-fno-ident`` is given.
- ELF ``.GCC.command.line``: options, with ``-frecord-gcc-switches`` or ``-frecord-command-line``.
- ``DW_AT_producer`` of the first unit in ELF ``.debug_info``: gcc adds the options that change code (no macros).
- Mach-O ``LC_BUILD_VERSION`` and ``LC_VERSION_MIN_MACOSX``: the oldest system, and the SDK.

Formats: System V gABI (``<elf.h>``), DWARF 4 and 5, ``<mach-o/loader.h>``. A few hundred bytes are read from each file,
with every offset checked against its size; odd or compressed content counts as unknown. To read a complete file,
use `coblyn.native.binary`, which takes a hundred times longer.
"""

from __future__ import annotations

import os
import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coblyn.doctor.tree.files import opened

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

__all__ = ["Record", "read_record"]

_MAX_TABLE = 1_000_000
_MAX_TEXT = 16_384
_MAX_COMMANDS = 64
_MAX_RELOCATIONS = 8
_MAX_ABBREVIATIONS = 8_192
# "GNU C17 12.2.0".
_BEFORE_OPTIONS = 3

_COMMENT, _COMMANDS = ".comment", ".GCC.command.line"
_INFO, _RELOCATIONS = ".debug_info", ".rela.debug_info"
_ABBREVIATIONS, _TEXTS, _LTO = ".debug_abbrev", ".debug_str", ".gnu.lto_.opts"
_WANTED = (_COMMENT, _COMMANDS, _INFO, _RELOCATIONS, _ABBREVIATIONS, _TEXTS, _LTO)
_COMPRESSED = 0x800
_PRODUCER, _STRP = 0x25, 0x0E
_COMPILE_UNIT = 0x11
_CONSTANT = 0x21
_GCC = re.compile(r"GCC: \([^)\n]{0,200}\) (\d+(?:\.\d+)*)")
_CLANG = re.compile(r"\bclang version (\d+(?:\.\d+)*)")
_LC_VERSION_MIN_MACOSX, _LC_BUILD_VERSION = 0x24, 0x32
_MACOS = 1


@dataclass(frozen=True, slots=True)
class Record:
    """What an object records about its compilation.

    Attributes:
        compiler: "gcc 12.2.0" or "clang 17.0.6"; empty if unknown, or if several took part.
        options: Words of the command that it was compiled with; empty if they were not recorded.
        has_macros: Whether ``options`` includes macros, so that a missing one was not given.
        has_lto: Whether it holds gcc's intermediate code, which only the same version can read.
        min_os: Oldest macOS that it supports, such as "13.3"; empty for other systems.
        sdk: Version of the SDK that it was built with, likewise.
    """

    compiler: str = ""
    options: tuple[str, ...] = ()
    has_macros: bool = False
    has_lto: bool = False
    min_os: str = ""
    sdk: str = ""


def read_record(path: Path) -> Record | None:
    """Read what an object records; None if it is not an ELF or Mach-O object, or is broken."""
    try:
        with opened(path) as file:
            source = _Source(file)
            magic = source.at(0, 4)
            if magic == b"\x7fELF":
                return _elf(source)
            return _macho(source) if magic == b"\xcf\xfa\xed\xfe" else None
    except (OSError, ValueError, struct.error):
        return None


class _Source:
    """Reads parts of a file with bounds checks."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = os.fstat(file.fileno()).st_size

    def at(self, offset: int, size: int) -> bytes:
        """Read exactly these bytes.

        Raises:
            ValueError: They are not all in the file, or there are too many.
        """
        if not 0 <= offset <= offset + size <= self._size or size > _MAX_TABLE:
            raise ValueError(f"no {size} bytes at {offset}")
        self._file.seek(offset)
        data = self._file.read(size)
        if len(data) != size:
            raise ValueError("the file became shorter")
        return data


@dataclass(frozen=True, slots=True)
class _Section:
    offset: int
    size: int
    flags: int


def _elf(source: _Source) -> Record | None:
    head = source.at(0, 64)
    order = "<" if head[5] == 1 else ">"
    (kind,) = struct.unpack_from(f"{order}H", head, 16)
    if kind != 1 or head[4] != 2:
        # 32-bit objects keep their text offsets elsewhere, and nothing we examine is built for them.
        return None
    found = _sections(source, head, order)
    comment = _text(source, found.get(_COMMENT))
    given = _text(source, found.get(_COMMANDS))
    words = _words(given) if given else _producer(source, found, order).split()
    return Record(
        compiler=_compiler(comment),
        options=tuple(words[_BEFORE_OPTIONS:]) if words[:1] == ["GNU"] else tuple(words),
        has_macros=bool(given) and not given.startswith("GNU "),
        has_lto=_LTO in found,
    )


def _sections(source: _Source, head: bytes, order: str) -> dict[str, _Section]:
    """The relevant sections, by name."""
    (table,) = struct.unpack_from(f"{order}Q", head, 40)
    width, count, names_at = struct.unpack_from(f"{order}HHH", head, 58)
    if not table:
        return {}
    if width != 64 or not 0 < names_at < count:
        raise ValueError("no table of sections")
    headers = source.at(table, 64 * count)
    start, size = struct.unpack_from(f"{order}QQ", headers, 64 * names_at + 24)
    names = source.at(start, size)
    wanted = {place: name for name in _WANTED for place in _places(names, name)}
    found: dict[str, _Section] = {}
    for number, (place,) in enumerate(struct.iter_unpack(f"{order}I60x", headers)):
        if place in wanted:
            flags, _, offset, length = struct.unpack_from(f"{order}QQQQ", headers, 64 * number + 8)
            found.setdefault(wanted[place], _Section(offset, length, flags))
    return found


def _places(names: bytes, name: str) -> list[int]:
    """Positions of a name among the section names; one may be the end of another."""
    # gcc appends a number to the names of its intermediate code.
    wanted = name.encode() + (b"" if name == _LTO else b"\0")
    found: list[int] = []
    at = names.find(wanted)
    while at >= 0 and len(found) < 16:
        found.append(at)
        at = names.find(wanted, at + 1)
    return found


def _text(source: _Source, section: _Section | None) -> str:
    if section is None or section.flags & _COMPRESSED:
        return ""
    data = source.at(section.offset, min(section.size, _MAX_TEXT))
    return data.decode("utf-8", "replace").strip("\0")


def _compiler(comment: str) -> str:
    found = set()
    for text in comment.split("\0"):
        if gcc := _GCC.match(text):
            found.add(f"gcc {gcc[1]}")
        elif clang := _CLANG.search(text):
            found.add(f"clang {clang[1]}")
    # Objects merged by `ld -r` have the comments of several.
    return found.pop() if len(found) == 1 else ""


def _words(given: str) -> list[str]:
    """Words of a recorded command; clang puts a backslash before blanks inside a word."""
    whole = given.partition("\0")[0] if given.startswith("GNU ") else given.replace("\0", " ")
    return [word.replace("\1", " ") for word in whole.replace("\\ ", "\1").split()]


def _producer(source: _Source, found: dict[str, _Section], order: str) -> str:
    """The producer of the first unit, with options; empty if it is not where gcc puts it."""
    info, texts = found.get(_INFO), found.get(_TEXTS)
    abbreviations = found.get(_ABBREVIATIONS)
    if info is None or texts is None or abbreviations is None:
        return ""
    if (info.flags | texts.flags | abbreviations.flags) & _COMPRESSED:
        return ""
    length = min(info.size, 64)
    unit = source.at(info.offset, length)
    (version,) = struct.unpack_from(f"{order}H", unit, 4)
    # The first entry follows length, version, (kind,) offset of the abbreviations and address size.
    place = {4: 11, 5: 12}.get(version, 0)
    if not place or (version == 5 and unit[6] != 1) or unit[place] > 127:
        return ""
    if not _begins_with_producer(source, abbreviations, unit[place]):
        return ""
    offset = _target(source, found.get(_RELOCATIONS), place + 1, order)
    if offset is None:
        (offset,) = struct.unpack_from(f"{order}I", unit, place + 1)
    if not 0 <= offset < texts.size:
        return ""
    data = source.at(texts.offset + offset, min(texts.size - offset, _MAX_TEXT))
    text = data.partition(b"\0")[0].decode("utf-8", "replace")
    return text if text.startswith("GNU ") else ""


def _begins_with_producer(source: _Source, section: _Section, code: int) -> bool:
    """Whether an abbreviation is for units whose first attribute is the producer, stored in a separate section."""
    data = source.at(section.offset, min(section.size, _MAX_ABBREVIATIONS))
    at = 0
    while at < len(data) and data[at]:
        number, at = _number(data, at)
        tag, at = _number(data, at)
        at += 1
        if number == code:
            return tag == _COMPILE_UNIT and data[at : at + 2] == bytes([_PRODUCER, _STRP])
        attribute = -1
        while attribute:
            attribute, at = _number(data, at)
            form, at = _number(data, at)
            if form == _CONSTANT:
                _, at = _number(data, at)
    return False


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A DWARF number (LEB128), and the position after it."""
    found = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError("a number without end")
        byte = data[at]
        found |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return found, at


def _target(source: _Source, section: _Section | None, place: int, order: str) -> int | None:
    """The value that a relocation puts at a position of the unit; None without one."""
    if section is None:
        return None
    data = source.at(section.offset, min(section.size, 24 * _MAX_RELOCATIONS) // 24 * 24)
    for at, _, addend in struct.iter_unpack(f"{order}QQq", data):
        if at == place:
            return int(addend)
    return None


def _macho(source: _Source) -> Record | None:
    _, _, kind, count, size = struct.unpack("<IIIII", source.at(4, 20))
    if kind != 1:
        return None
    commands = source.at(32, size)
    at = 0
    for _ in range(min(count, _MAX_COMMANDS)):
        command, length = struct.unpack_from("<II", commands, at)
        if command == _LC_BUILD_VERSION:
            platform, least, sdk = struct.unpack_from("<III", commands, at + 8)
            return Record(min_os=_version(least), sdk=_version(sdk)) if platform == _MACOS else None
        if command == _LC_VERSION_MIN_MACOSX:
            least, sdk = struct.unpack_from("<II", commands, at + 8)
            return Record(min_os=_version(least), sdk=_version(sdk))
        if length < 8:
            break
        at += length
    return Record()


def _version(number: int) -> str:
    """Apple's nibbles as text: 0x000D0300 is "13.3"."""
    parts = [number >> 16, number >> 8 & 0xFF, number & 0xFF]
    if not parts[0]:
        return ""
    return ".".join(map(str, parts if parts[2] else parts[:2]))
