"""What earlier requests computed, moved out of the KV memory into main memory.

Attention looks at every cell up to the highest used one, whoever owns it, so what nobody uses now must not stay in the
way: on a small model, 1,100 idle cells cost a fifth of the speed. A copy to main memory and back takes milliseconds
where computing takes seconds.

It decides what is kept; the runner has the bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from coblyn.engine.plan import Discard
from coblyn.engine.window import NO_WINDOW, Window

__all__ = ["Shelf", "Shelved"]


@dataclass(slots=True)
class Shelved:
    """A copy of a sequence.

    Attributes:
        tokens: What it holds.
        prompt_length: Where its prompt ended, 0 when those logits are not kept.
        start: First position of its window.
        marks: Lengths at which its window is kept too, those that are dearest first.
        last_used: Counts up with each use.
    """

    tokens: list[int]
    prompt_length: int = 0
    start: int = 0
    marks: tuple[int, ...] = ()
    last_used: int = 0

    def resume(self, limit: int, window: Window) -> tuple[int, int]:
        """How many of its first ``limit`` tokens serve, and the length up to which it is restored for that."""
        points = [(len(self.tokens), self.start), *((m, window.saved(m)) for m in self.marks)]
        return max((window.reach(end, start, limit), end) for end, start in points)


class Shelf:
    """Copies of sequences, the longest unused of which make room.

    Args:
        capacity: Most tokens, over all copies; 0 for no shelf.
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

    def keys_of_mark(self, mark: int, tokens: list[int]) -> list[int]:
        """Copies that begin with the same tokens, and keep the window at a length of these."""
        copies = self._copies.items()
        return [k for k, c in copies if mark in c.marks and c.tokens[:mark] == tokens[:mark]]

    def _is_in(self, key: int, longer: Shelved) -> bool:
        """Whether a conversation went on: its earlier state is a beginning of this one, which serves about as far."""
        tokens = self._copies[key].tokens
        if tokens != longer.tokens[: len(tokens)]:
            return False
        serves, _ = longer.resume(len(tokens), self._window)
        return serves + self._window.stride >= len(tokens)

    def _size(self, copy: Shelved) -> int:
        return len(copy.tokens) + sum(min(mark, self._window.size) for mark in copy.marks)

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
