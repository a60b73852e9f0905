"""Owns a pointer of the library: it is freed once, by ``close``, a ``with`` block, or at the latest with the object."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

__all__ = ["Handle"]


class Handle:
    """An object that has to be freed.

    Args:
        free: The library's function that frees the pointer.

    Attributes:
        pointer: Its address, or None if there is nothing to free.
    """

    def __init__(self, free: Callable[[int], object]) -> None:
        self._free = free
        self.pointer: int | None = None

    def close(self) -> None:
        """Free it; a second call does nothing."""
        pointer, self.pointer = self.pointer, None
        if pointer:
            self._free(pointer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "pointer"):  # not so when the constructor failed early
            self.close()
