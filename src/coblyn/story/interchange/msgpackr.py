"""MessagePack as the JavaScript library msgpackr writes it, read with limits.

Beyond MessagePack it has records (an object's keys are written once, and named by a number from then on), bundles (all
strings stand together behind the values, which only say how many UTF-16 units come next), and extensions whose content
is the value that follows. Sources: msgpackr's documentation of its extensions, and what its version 2.1 writes.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from coblyn.story.bounded import What
from coblyn.story.phrases import refused

__all__ = ["unpacked"]

_MAX_DEPTH = 100
_MAX_VALUES = 2_000_000

_RECORD, _BUNDLE = 0x72, 0x62
_FIXED = {0xD4: 1, 0xD5: 2, 0xD6: 4, 0xD7: 8, 0xD8: 16}
"""Bytes of extensions by their first byte."""
_NUMBERS = {
    0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q",
    0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q",
}  # fmt: skip
_SIZES = {
    0xC4: ">B", 0xC5: ">H", 0xC6: ">I",
    0xC7: ">B", 0xC8: ">H", 0xC9: ">I",
    0xD9: ">B", 0xDA: ">H", 0xDB: ">I",
    0xDC: ">H", 0xDD: ">I", 0xDE: ">H", 0xDF: ">I",
}  # fmt: skip


def unpacked(data: bytes, what: What, structured: frozenset[int]) -> Any:
    """The value in some bytes. Objects and maps are dicts; dates and other extensions are None.

    Args:
        data: All of it.
        what: What it is, for errors.
        structured: Types of extensions whose content is the value that follows.

    Raises:
        FileRefused: It is damaged, cut short, or larger or deeper than any program writes.
    """
    try:
        return _Reader(data, structured).value(0)
    except (LookupError, struct.error, UnicodeError, ValueError, TypeError) as error:
        raise refused("damaged", what=what) from error


@dataclass(frozen=True, slots=True)
class _Record:
    """The keys of an object; ``is_wide`` where a second byte tells several of its number apart."""

    keys: tuple[Any, ...]
    is_wide: bool


class _Reader:
    def __init__(self, data: bytes, structured: frozenset[int]) -> None:
        self._data = data
        self._structured = structured
        self._at = 0
        self._num_values = 0
        self._records: dict[int, _Record] = {}
        # Strings in UTF-16, those beyond ASCII first, and how far each is read, in bytes.
        self._bundle: tuple[bytes, bytes] = (b"", b"")
        self._read = [0, 0]
        self._num_bundled = 0

    def value(self, depth: int) -> Any:
        self._num_values += 1
        if depth > _MAX_DEPTH or self._num_values > _MAX_VALUES:
            raise ValueError("Too deep, or too many values.")
        token = self._byte()
        if token < 0x80:
            return self._record_or_number(token, depth)
        if token < 0x90:
            return self._map(token - 0x80, depth)
        if token < 0xA0:
            return self._list(token - 0x90, depth)
        if token < 0xC0:
            return self._bytes(token - 0xA0).decode()
        if token >= 0xE0:
            return token - 0x100
        return self._other(token, depth)

    def _other(self, token: int, depth: int) -> Any:
        if token in (0xC0, 0xC2, 0xC3):
            return {0xC0: None, 0xC2: False, 0xC3: True}[token]
        if token == 0xC1:
            return self._bundled(depth)
        if token in _NUMBERS:
            return self._number(_NUMBERS[token])
        if token in _FIXED:
            return self._extension(_FIXED[token], depth)
        size = self._number(_SIZES[token]) if token in _SIZES else -1
        match token:
            case 0xC4 | 0xC5 | 0xC6:
                return self._bytes(size)
            case 0xC7 | 0xC8 | 0xC9:
                return self._extension(size, depth)
            case 0xD9 | 0xDA | 0xDB:
                return self._bytes(size).decode()
            case 0xDC | 0xDD:
                return self._list(size, depth)
            case _:
                return self._map(size, depth)

    def _extension(self, size: int, depth: int) -> Any:
        kind = self._byte()
        if kind == _RECORD and size <= 2:
            return self._new_record(size, depth)
        start = self._at
        content = self._bytes(size)
        if kind == _BUNDLE and size >= 4 and depth < _MAX_DEPTH:
            self._open_bundle(start + int.from_bytes(content[:4], "big"))
            return self.value(depth + 1)
        return self.value(depth + 1) if kind in self._structured and size == 1 else None

    def _new_record(self, size: int, depth: int) -> Any:
        number = self._byte() & 0x3F
        high = self._byte() if size == 2 else None
        keys = self.value(depth + 1)
        if not isinstance(keys, list):
            raise TypeError("A record has no list of keys.")
        record = _Record(tuple(map(_key, keys)), is_wide=high == 0)
        self._records[_wide(number, high) if high else number] = record
        return self._object(record, depth)

    def _record_or_number(self, token: int, depth: int) -> Any:
        record = self._records.get(token & 0x3F) if token >= 0x40 else None
        if record and record.is_wide and (high := self._byte()):
            record = self._records[_wide(token & 0x3F, high)]
        return self._object(record, depth) if record else token

    def _object(self, record: _Record, depth: int) -> dict[Any, Any]:
        return {key: self.value(depth + 1) for key in record.keys}

    def _map(self, size: int, depth: int) -> dict[Any, Any]:
        pairs = ((_key(self.value(depth + 1)), self.value(depth + 1)) for _ in range(size))
        return dict(pairs)

    def _list(self, size: int, depth: int) -> list[Any]:
        return [self.value(depth + 1) for _ in range(size)]

    def _open_bundle(self, at: int) -> None:
        """Read the two strings that stand there, and come back."""
        back, self._at = self._at, at
        strings = [self._plain_string(), self._plain_string()]
        self._num_bundled += sum(map(len, strings))
        if self._num_bundled > 4 * len(self._data):
            raise ValueError("Bundles overlap.")
        self._bundle, self._read, self._at = (strings[0], strings[1]), [0, 0], back

    def _plain_string(self) -> bytes:
        text = self.value(_MAX_DEPTH)  # may hold nothing else, not even a bundle
        if not isinstance(text, str):
            raise TypeError("A bundle is not text.")
        return text.encode("utf-16-le")

    def _bundled(self, depth: int) -> str:
        """A positive length is of the second string, a negative one of the first."""
        length = self.value(depth + 1)
        which, size = (1, 2 * length) if length > 0 else (0, -2 * length)
        start = self._read[which]
        text = self._bundle[which][start : start + size]
        if len(text) < size:
            raise IndexError("A bundle is too short.")
        self._read[which] += size
        return text.decode("utf-16-le", "replace")

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _bytes(self, size: int) -> bytes:
        content = self._data[self._at : self._at + size]
        if len(content) < size:
            raise IndexError("It is cut short.")
        self._at += size
        return content

    def _number(self, form: str) -> Any:
        (value,) = struct.unpack_from(form, self._data, self._at)
        self._at += struct.calcsize(form)
        return value


def _key(value: Any) -> Any:
    return value if isinstance(value, str | int | float | None) else repr(value)


def _wide(number: int, high: int) -> int:
    """The number of a record that has two bytes; the first 32 count down from there."""
    return -((high << 5) + number) if number < 32 else (high << 5) + number
