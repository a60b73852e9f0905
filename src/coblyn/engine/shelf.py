"""Results of earlier requests, moved from the KV memory to main memory.

Attention visits every cell up to the highest used one, no matter which sequence owns it, so idle cells slow it down: on
a small model, 1,100 of them cost a fifth of the speed. Copying to main memory and back takes milliseconds; computing
takes seconds.

The shelf decides what is kept; the runner holds the bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from coblyn.engine.content import Content, common_prefix
from coblyn.engine.plan import Discard
from coblyn.engine.window import NO_WINDOW, Window

__all__ = ["Shelf", "Shelved", "reach"]


def reach(content: Content, end: int, start: int, limit: int, window: Window) -> int:
    """The number of cells at which a sequence can be cut and continued.

    Args:
        content: What the sequence holds.
        end: Number of its cells that are present.
        start: First position of the window that is present.
        limit: Maximum number of cells wanted.
        window: The model's window.

    Returns:
        The smaller of ``end`` and ``limit``, or less if that is inside a media item; 0 if the window below it is gone.
    """
    length = content.whole(min(end, limit))
    return length if start <= window.needed(content.position(length)) else 0


@dataclass(slots=True)
class Shelved:
    """A copy of a sequence.

    Attributes:
        content: What the sequence holds.
        logits_at: Length at which the logits are kept, the end of its prompt; 0 for none.
        start: First position of its window.
        marks: Lengths at which its window is kept too, most useful first.
        last_used: A counter that increases with each use.
    """

    content: Content
    logits_at: int = 0
    start: int = 0
    marks: tuple[int, ...] = ()
    last_used: int = 0

    def resume(self, limit: int, window: Window) -> tuple[int, int]:
        """How many of its first ``limit`` cells can be reused, and the length to restore for that."""
        content = self.content
        marks = ((mark, window.saved(content.position(mark))) for mark in self.marks)
        points = [(len(content), self.start), *marks]
        return max((reach(content, end, start, limit, window), end) for end, start in points)


class Shelf:
    """Copies of sequences, evicted in least-recently-used order.

    Args:
        capacity: Maximum number of tokens, over all copies; 0 for no shelf.
        window: The model's window; each mark of a copy takes the room of its tokens.
    """

    def __init__(self, capacity: int, window: Window = NO_WINDOW) -> None:
        self._capacity = capacity
        self._window = window
        self._copies: dict[int, Shelved] = {}
        self._next_key = 0
        self._clock = 0

    def __getitem__(self, key: int) -> Shelved:
        return self._copies[key]

    def __contains__(self, key: int) -> bool:
        return key in self._copies

    @property
    def num_tokens(self) -> int:
        """Number of tokens of all copies."""
        return sum(map(self._size, self._copies.values()))

    def add(self, copy: Shelved) -> tuple[int | None, list[Discard]]:
        """Add a copy without marks that do not fit; discard copies that are superfluous or have no room left.

        Returns:
            Its key, or None if it is larger than the shelf; and the keys of discarded copies.
        """
        while copy.marks and self._size(copy) > self._capacity:
            copy.marks = copy.marks[:-1]
        if self._size(copy) > self._capacity:
            return None, []
        discarded = [self._discard(key) for key in list(self._copies) if self._is_in(key, copy)]
        while self.num_tokens + self._size(copy) > self._capacity:
            oldest = min(self._copies, key=lambda key: self._copies[key].last_used)
            discarded.append(self._discard(oldest))
        key, self._next_key = self._next_key, self._next_key + 1
        self._copies[key] = copy
        self.touch(key)
        return key, discarded

    def newest(self, rank: int) -> int | None:
        """The key of a recently used copy, where rank 0 is the latest; None if there are not that many."""
        keys = sorted(self._copies, key=lambda key: -self._copies[key].last_used)
        return keys[rank] if rank < len(keys) else None

    def discard(self, key: int) -> Discard:
        """Discard a copy."""
        return self._discard(key)

    def keys_of_mark(self, mark: int, content: Content) -> list[int]:
        """Copies that share the beginning up to a length, and keep the window there."""
        copies = self._copies.items()
        return [
            key
            for key, copy in copies
            if mark in copy.marks and common_prefix(copy.content, content) >= mark
        ]

    def _is_in(self, key: int, longer: Shelved) -> bool:
        """Whether a copy is an earlier state of the new copy, which can be reused about as far."""
        length = len(self._copies[key].content)
        if common_prefix(self._copies[key].content, longer.content) < length:
            return False
        serves, _ = longer.resume(length, self._window)
        return serves + self._window.stride >= length

    def _size(self, copy: Shelved) -> int:
        return len(copy.content) + sum(min(mark, self._window.size) for mark in copy.marks)

    def touch(self, key: int) -> None:
        """Mark a copy as used now."""
        self._clock += 1
        self._copies[key].last_used = self._clock

    def best(self, reusable: Callable[[Shelved], int]) -> tuple[int | None, int]:
        """The copy that covers most cells of a prompt, and the number of them."""
        found = max(((reusable(copy), key) for key, copy in self._copies.items()), default=(0, -1))
        return (found[1], found[0]) if found[0] else (None, 0)

    def _discard(self, key: int) -> Discard:
        del self._copies[key]
        return Discard(key)
