"""Static libraries: the members of an ``ar`` archive, GNU's, BSD's, thin ones and Microsoft's.

Formats: ``<ar.h>``; "Archive (Library) File Format" in Microsoft's PE specification; LLVM's ``Archive.cpp``. Does not
know what the members contain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ARCHIVE", "THIN_ARCHIVE", "ArchiveBroken", "Member", "members"]

ARCHIVE = b"!<arch>\n"
THIN_ARCHIVE = b"!<thin>\n"

_MAX_MEMBERS = 100_000
_HEADER = 60
_END = b"`\n"
# Indexes that linkers keep in an archive: GNU and Microsoft ("/", twice), 64 bits, BSD's in several forms.
_INDEXES = frozenset({"/", "/SYM64/", "/<ECSYMBOLS>/", "/<XFGHASHMAP>/"})
_BSD_INDEX = "__.SYMDEF"


class ArchiveBroken(ValueError):
    """The archive is inconsistent; the message says where."""


@dataclass(frozen=True, slots=True)
class Member:
    """One file in an archive.

    Attributes:
        name: Its name; of a thin archive, a path relative to the archive or an absolute one.
        offset: Where its bytes begin in the archive.
        size: Number of bytes.
        is_outside: Whether it is a separate file, of which a thin archive holds only the name.
    """

    name: str
    offset: int
    size: int
    is_outside: bool = False


def members(data: memoryview) -> Iterator[Member]:
    """The members of an archive, without its indexes.

    Args:
        data: The archive, from its first byte.

    Raises:
        ArchiveBroken: A header or a size makes no sense.
    """
    is_thin = bytes(data[:8]) == THIN_ARCHIVE
    long_names = b""
    offset = len(ARCHIVE)
    count = 0
    while offset < len(data):
        raw, size = _header(data, offset)
        body = offset + _HEADER
        is_table = raw == "//"
        is_outside = is_thin and not is_table and raw not in _INDEXES
        if not is_outside and body + size > len(data):
            raise ArchiveBroken(
                f"the member at offset {offset} claims {size} bytes, of which {len(data) - body} are there"
            )
        if is_table:
            long_names = bytes(data[body : body + size])
        elif raw not in _INDEXES:
            count += 1
            if count > _MAX_MEMBERS:
                raise ArchiveBroken(f"it has more than {_MAX_MEMBERS} members")
            name, skip = _name(raw, data[body : body + size], long_names, offset)
            if not name.startswith(_BSD_INDEX):
                yield Member(name, body + skip, size - skip, is_outside)
        offset = body + (0 if is_outside else size)
        offset += offset % 2


def _header(data: memoryview, offset: int) -> tuple[str, int]:
    """Name as it is in a member's header, and its size."""
    head = bytes(data[offset : offset + _HEADER])
    if len(head) < _HEADER or head[58:] != _END:
        raise ArchiveBroken(f"there is no member's header at offset {offset}")
    size = head[48:58].strip()
    if not size.isdigit():
        raise ArchiveBroken(f"the member at offset {offset} has no size")
    return head[:16].decode("utf-8", "replace").rstrip(), int(size)


def _name(raw: str, body: memoryview, long_names: bytes, offset: int) -> tuple[str, int]:
    """Full name of a member, and the number of bytes of its body that the name takes (BSD)."""
    if raw.startswith("#1/") and raw[3:].isdigit():
        length = int(raw[3:])
        if length > len(body):
            raise ArchiveBroken(f"the member at offset {offset} claims a name of {length} bytes")
        return bytes(body[:length]).rstrip(b"\0").decode("utf-8", "replace"), length
    if raw.startswith("/") and raw[1:].isdigit():
        start = int(raw[1:])
        if start >= len(long_names):
            raise ArchiveBroken(f"the member at offset {offset} has a name beyond the name table")
        # GNU ends a name with "/\n", Microsoft with a zero byte.
        name = long_names[start:].split(b"\n", 1)[0].split(b"\0", 1)[0]
        return name.decode("utf-8", "replace").removesuffix("/"), 0
    return raw.removesuffix("/"), 0
