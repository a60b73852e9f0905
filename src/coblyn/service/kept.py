"""Values that later requests refer to by id, in bounded memory with least-recently-used eviction."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from coblyn.service.caller import CALLER

__all__ = ["Kept"]


@dataclass(frozen=True, slots=True)
class _Entry:
    owner: str
    value: Any
    size: int


class Kept:
    """Values by id, separate for each caller.

    Args:
        capacity: Maximum number of values.
        max_size: Maximum number of characters of all values; the newest is always kept.
    """

    def __init__(self, capacity: int = 10_000, max_size: int = 64 << 20) -> None:
        self._capacity = capacity
        self._max_size = max_size
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._size = 0

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, name: str, value: Any, size: int) -> None:
        """Keep a value of about ``size`` characters for the current caller."""
        self._drop(name)
        self._entries[name] = _Entry(CALLER.get().name, value, size)
        self._size += size
        while len(self._entries) > 1 and self._is_full:
            self._drop(next(iter(self._entries)))

    def get(self, name: str) -> Any:
        """The caller's value of that id; None if there is none, or it was evicted."""
        entry = self._entries.get(name)
        if entry is None or entry.owner != CALLER.get().name:
            return None
        self._entries.move_to_end(name)
        return entry.value

    def remove(self, name: str) -> bool:
        """Remove the caller's value of that id. Gives whether there was one."""
        if self.get(name) is None:
            return False
        self._drop(name)
        return True

    @property
    def _is_full(self) -> bool:
        return len(self._entries) > self._capacity or self._size > self._max_size

    def _drop(self, name: str) -> None:
        entry = self._entries.pop(name, None)
        self._size -= entry.size if entry else 0
