"""What earlier requests computed, moved out of the KV memory into main memory.

Attention looks at every cell up to the highest used one, whoever owns it, so what nobody uses now must not stay in the
way: on a small model, 1,100 idle cells cost a fifth of the speed. A copy to main memory and back takes milliseconds
where computing takes seconds.

Pure: it decides what is kept; the runner has the bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from coblyn.engine.plan import Discard, MemoryOp

__all__ = ["Shelf", "Shelved"]


@dataclass(slots=True)
class Shelved:
    """A copy of a sequence; ``prompt_length`` is where its prompt ended, 0 when those logits are not kept."""

    tokens: list[int]
    prompt_length: int
    last_used: int


class Shelf:
    """Copies of sequences, the longest unused of which make room.

    Args:
        capacity: Most tokens, over all copies; 0 for no shelf.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
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
        return sum(len(copy.tokens) for copy in self._copies.values())

    def add(self, tokens: list[int], prompt_length: int, memory: list[MemoryOp]) -> int | None:
        """Take in a copy; what it makes superfluous and what has no room any more is discarded.

        Returns:
            Its key, or None when it is larger than the shelf.
        """
        if len(tokens) > self._capacity:
            return None
        for key, copy in list(self._copies.items()):
            # A conversation that went on: its earlier states are beginnings of this one.
            if copy.tokens == tokens[: len(copy.tokens)]:
                memory.append(self._discard(key))
        while self.num_tokens + len(tokens) > self._capacity:
            oldest = min(self._copies, key=lambda key: self._copies[key].last_used)
            memory.append(self._discard(oldest))
        key, self._next_key = self._next_key, self._next_key + 1
        self._copies[key] = Shelved(list(tokens), prompt_length, 0)
        self.touch(key)
        return key

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
