"""What earlier requests computed, moved out of the KV memory into main memory.

Attention looks at every cell up to the highest used one, no matter which sequence owns it, so idle cells must not stay
in the way: on a small model, 1,100 of them cost a fifth of the speed. A copy to main memory and back takes milliseconds
where computing takes seconds.

It decides what is kept; the runner has the bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from coblyn.engine.content import Content, common_prefix
from coblyn.engine.plan import Discard
from coblyn.engine.window import NO_WINDOW, Window

__all__ = ["Shelf", "Shelved", "reach"]


def reach(content: Content, end: int, start: int, limit: int, window: Window) -> int:
    """Cells with which a sequence can go on when it is cut.

    Args:
        content: What it holds.
        end: Cells of it that are there.
        start: First position from which on the window is there.
        limit: Cells that are wanted at most.
        window: The model's.

    Returns:
        ``end`` or ``limit``, or less where that is inside of some media; 0 if the window below it is gone.
    """
    length = content.whole(min(end, limit))
    return length if start <= window.needed(content.position(length)) else 0


@dataclass(slots=True)
class Shelved:
    """A copy of a sequence.

    Attributes:
        content: What it holds.
        prompt_length: Where its prompt ended, 0 when those logits are not kept.
        start: First position of its window.
        marks: Lengths at which its window is kept too, those that are dearest first.
        last_used: Counts up with each use.
    """

    content: Content
    prompt_length: int = 0
    start: int = 0
    marks: tuple[int, ...] = ()
    last_used: int = 0

    def resume(self, limit: int, window: Window) -> tuple[int, int]:
        """How many of its first ``limit`` cells serve, and the length up to which it is restored for that."""
        content = self.content
        marks = ((mark, window.saved(content.position(mark))) for mark in self.marks)
        points = [(len(content), self.start), *marks]
        return max((reach(content, end, start, limit, window), end) for end, start in points)


class Shelf:
    """Copies of sequences, the longest unused of which make room.

    Args:
        capacity: Maximum number of tokens, over all copies; 0 for no shelf.
        window: The model's; each mark of a copy takes the room of its tokens.
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
        """Tokens of all copies."""
        return sum(map(self._size, self._copies.values()))

    def add(self, copy: Shelved) -> tuple[int | None, list[Discard]]:
        """Take in a copy, which loses marks that are too many; what it makes superfluous or leaves no room goes.

        Returns:
            Its key, or None when it is larger than the shelf; and what is discarded.
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
        """The key of the copy that was used last, or of one before it; None if there are not so many."""
        keys = sorted(self._copies, key=lambda key: -self._copies[key].last_used)
        return keys[rank] if rank < len(keys) else None

    def discard(self, key: int) -> Discard:
        """Forget a copy."""
        return self._discard(key)

    def keys_of_mark(self, mark: int, content: Content) -> list[int]:
        """Copies that begin with the same, and keep the window at a length of that."""
        copies = self._copies.items()
        return [
            key
            for key, copy in copies
            if mark in copy.marks and common_prefix(copy.content, content) >= mark
        ]

    def _is_in(self, key: int, longer: Shelved) -> bool:
        """Whether a conversation went on: its earlier state is a beginning of this one, which serves about as far."""
        length = len(self._copies[key].content)
        if common_prefix(self._copies[key].content, longer.content) < length:
            return False
        serves, _ = longer.resume(length, self._window)
        return serves + self._window.stride >= length

    def _size(self, copy: Shelved) -> int:
        return len(copy.content) + sum(min(mark, self._window.size) for mark in copy.marks)

    def touch(self, key: int) -> None:
        """It was used now."""
        self._clock += 1
        self._copies[key].last_used = self._clock

    def best(self, reusable: Callable[[Shelved], int]) -> tuple[int | None, int]:
        """The copy that serves most tokens, and how many."""
        found = max(((reusable(copy), key) for key, copy in self._copies.items()), default=(0, -1))
        return (found[1], found[0]) if found[0] else (None, 0)

    def _discard(self, key: int) -> Discard:
        del self._copies[key]
        return Discard(key)
