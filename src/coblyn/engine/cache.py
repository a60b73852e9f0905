"""Which sequences hold which tokens: the longest common prefix is found and shared.

What no request uses any more stays for the next ones: on the shelf in main memory if there is one, so that it is not
in the way of those that run, else in the KV memory until room is needed.

Pure: it decides memory operations and keeps the books, and touches no context.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from coblyn.engine.cells import Cells
from coblyn.engine.plan import Copy, MemoryOp, Remove, Restore, Save
from coblyn.engine.shelf import Shelf, Shelved

__all__ = ["MIN_SHARED", "Claim", "SequenceCache", "common_prefix"]

MIN_SHARED = 16
"""Shorter common prefixes are not worth a sequence id of their own."""

MIN_RESTORED = 8
"""A copy on the shelf must serve so many tokens more than the KV memory does, to be worth bringing back."""

_BLOCK = 512


def common_prefix(a: Sequence[int], b: Sequence[int]) -> int:
    """Length of the longest common prefix."""
    limit = min(len(a), len(b))
    start = 0
    while start < limit and a[start : start + _BLOCK] == b[start : start + _BLOCK]:
        start += _BLOCK
    for index in range(start, min(start + _BLOCK, limit)):
        if a[index] != b[index]:
            return index
    return min(start + _BLOCK, limit)


@dataclass(slots=True)
class _Held:
    """What a sequence holds.

    ``prompt_length`` is where its prompt ended, 0 when those logits are not kept; ``key`` is that of an equal copy on
    the shelf.
    """

    tokens: list[int] = field(default_factory=list)
    is_idle: bool = True
    last_used: int = 0
    prompt_length: int = 0
    key: int | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """A sequence for a new request.

    Attributes:
        sequence: Its id.
        length: Tokens of the prompt that it holds already.
        replays: Whether it holds the whole prompt, and the logits after it are kept, so that nothing has to be
            computed before the first token can be drawn.
    """

    sequence: int
    length: int
    replays: bool


class SequenceCache:
    """The sequences of one context.

    Args:
        num_sequences: Sequence ids are 0 to this, exclusive.
        num_cells: KV cells that they share.
        is_rewindable: Whether a sequence can forget its tail. If not (recurrent and hybrid models), only whole
            sequences are reused.
        shelf_tokens: Tokens that the shelf in main memory has room for; 0 for no shelf.
    """

    def __init__(
        self,
        num_sequences: int,
        num_cells: int,
        *,
        is_rewindable: bool = True,
        shelf_tokens: int = 0,
    ) -> None:
        self._held = [_Held() for _ in range(num_sequences)]
        self._cells = Cells(num_cells)
        self._shelf = Shelf(shelf_tokens) if shelf_tokens else None
        self.is_rewindable = is_rewindable
        self._clock = 0

    @property
    def free_cells(self) -> int:
        """Cells that no sequence uses."""
        return self._cells.free

    def tokens(self, sequence: int) -> Sequence[int]:
        """Tokens that a sequence holds."""
        return self._held[sequence].tokens

    def claim(
        self, prompt: list[int], memory: list[MemoryOp], *, reserved: int = 0
    ) -> Claim | None:
        """Find a sequence for a prompt, with the longest prefix of it that is in memory.

        Args:
            prompt: Token ids.
            memory: The step's operations; those that make the claim true are added to it.
            reserved: Free cells that are promised to others.

        Returns:
            None when all sequences are in use, or the cells for the rest of the prompt can not be had now.
        """
        source, length = self._best_match(prompt)
        source, length = self._bring_back(prompt, source, length, reserved, memory)
        if not self._room_for(reserved + len(prompt) - length + 1, source, length, memory):
            return None
        sequence = self._place(source, length, memory)
        if sequence is None:
            return None
        held = self._held[sequence]
        held.is_idle = False
        held.key = None
        self._touch(held)
        self._clear_away(memory)
        return Claim(sequence, length, replays=length == len(prompt))

    def save_idle(self) -> list[MemoryOp]:
        """Copy what is idle to the shelf ahead of time, while there is nothing else to do."""
        memory: list[MemoryOp] = []
        for sequence, held in enumerate(self._held):
            if held.is_idle and held.tokens:
                self._save(sequence, memory)
        return memory

    def append(self, sequence: int, tokens: Sequence[int]) -> None:
        """Tokens of a sequence were computed."""
        self._held[sequence].tokens.extend(tokens)
        self._cells.append(sequence, len(tokens))

    def keep_prompt_logits(self, sequence: int) -> None:
        """The logits after the tokens that the sequence holds now are kept by the runner."""
        held = self._held[sequence]
        held.prompt_length = len(held.tokens)

    def release(self, sequence: int) -> None:
        """The request is over; its tokens stay for others until room is needed."""
        held = self._held[sequence]
        held.is_idle = True
        self._touch(held)

    def drop(self, sequence: int) -> Remove:
        """Forget a sequence altogether."""
        operation = self._truncate(sequence, 0)
        self._held[sequence].is_idle = True
        return operation

    def make_room(self, count: int, memory: list[MemoryOp], *, keep: int | None = None) -> bool:
        """Evict idle sequences, oldest first, ``keep`` excepted, until ``count`` cells are free."""
        while self._cells.free < count:
            victim = self._oldest_idle(keep)
            if victim is None:
                return False
            self._evict(victim, memory)
        return True

    def _bring_back(
        self,
        prompt: list[int],
        source: int | None,
        length: int,
        reserved: int,
        memory: list[MemoryOp],
    ) -> tuple[int | None, int]:
        """Restore a copy from the shelf if that serves the prompt better than what is in the KV memory."""
        if not self._shelf:
            return source, length
        key, saved = self._shelf.best(lambda copy: self._reusable(copy, prompt))
        if key is None or saved < length + MIN_RESTORED:
            return source, length
        copy = self._shelf[key]
        self._shelf.touch(key)
        self._clear_away(memory)
        if key not in self._shelf or not self.make_room(
            reserved + max(len(copy.tokens), len(prompt)) + 1, memory
        ):
            return self._best_match(prompt)
        target = self._vacate(None, memory)
        if target is None:
            return self._best_match(prompt)
        held = self._held[target]
        held.tokens, held.prompt_length = list(copy.tokens), copy.prompt_length
        self._cells.append(target, len(held.tokens))
        memory.append(Restore(key, target))
        if saved < len(held.tokens):
            memory.append(self._truncate(target, saved))
        return target, saved

    def _clear_away(self, memory: list[MemoryOp]) -> None:
        """Move what is idle to the shelf, out of the way of those that run."""
        if not self._shelf:
            return
        for sequence, held in enumerate(self._held):
            if held.is_idle and held.tokens:
                self._save(sequence, memory)
                if held.key is not None:
                    memory.append(self._truncate(sequence, 0))

    def _save(self, sequence: int, memory: list[MemoryOp]) -> None:
        held = self._held[sequence]
        if not self._shelf or (held.key is not None and held.key in self._shelf):
            return
        held.key = self._shelf.add(held.tokens, held.prompt_length, memory)
        if held.key is not None:
            memory.append(Save(sequence, held.key))

    def _room_for(
        self, count: int, source: int | None, length: int, memory: list[MemoryOp]
    ) -> bool:
        if self.make_room(count, memory, keep=source):
            return True
        if source is None or not self._held[source].is_idle or not self.is_rewindable:
            return False
        memory.append(self._truncate(source, length))
        return self._cells.free >= count

    def _best_match(self, prompt: list[int]) -> tuple[int | None, int]:
        best: tuple[int, bool, int] | None = None
        for sequence, held in enumerate(self._held):
            length = self._reusable(held, prompt)
            is_whole = held.is_idle and length == len(held.tokens)
            if length >= min(MIN_SHARED, len(prompt)) or (is_whole and length > 0):
                best = max(best or (0, False, -1), (length, is_whole, sequence))
        return (best[2], best[0]) if best else (None, 0)

    def _reusable(self, held: _Held | Shelved, prompt: list[int]) -> int:
        """Tokens of a sequence that serve a prompt; at least one token is left to compute unless logits are kept."""
        length = common_prefix(held.tokens, prompt)
        if not self.is_rewindable:
            return length if length == len(held.tokens) < len(prompt) else 0
        if length == len(prompt) and held.prompt_length != length:
            return length - 1
        return length

    def _place(self, source: int | None, length: int, memory: list[MemoryOp]) -> int | None:
        if source is None:
            return self._vacate(None, memory)
        held = self._held[source]
        if held.is_idle and (len(held.tokens) == length or self._is_safe(source, memory)):
            if len(held.tokens) > length:
                memory.append(self._truncate(source, length))
            return source
        target = self._vacate(source, memory)
        if target is not None:
            self._copy(source, target, length, memory)
            return target
        if not held.is_idle or not self.is_rewindable:
            return None
        self._save(source, memory)
        memory.append(self._truncate(source, length))
        return source

    def _vacate(self, keep: int | None, memory: list[MemoryOp]) -> int | None:
        """An idle sequence that holds nothing, made so if need be."""
        for sequence, held in enumerate(self._held):
            if held.is_idle and not held.tokens:
                return sequence
        victim = self._oldest_idle(keep)
        if victim is not None:
            self._evict(victim, memory)
        return victim

    def _is_safe(self, sequence: int, memory: list[MemoryOp]) -> bool:
        """Whether a sequence can be cut, since all of it is on the shelf."""
        self._save(sequence, memory)
        return self.is_rewindable and self._held[sequence].key is not None

    def _evict(self, sequence: int, memory: list[MemoryOp]) -> None:
        self._save(sequence, memory)
        memory.append(self._truncate(sequence, 0))

    def _oldest_idle(self, keep: int | None) -> int | None:
        idle = [
            (held.last_used, sequence)
            for sequence, held in enumerate(self._held)
            if held.is_idle and held.tokens and sequence != keep
        ]
        return min(idle)[1] if idle else None

    def _copy(self, source: int, target: int, length: int, memory: list[MemoryOp]) -> None:
        self._cells.copy(source, target, length)
        origin, held = self._held[source], self._held[target]
        held.tokens = origin.tokens[:length]
        held.prompt_length = length if origin.prompt_length == length else 0
        memory.append(Copy(source, target, length))

    def _truncate(self, sequence: int, length: int) -> Remove:
        held = self._held[sequence]
        del held.tokens[length:]
        if held.prompt_length > length:
            held.prompt_length = 0
        held.key = None
        self._cells.truncate(sequence, length)
        return Remove(sequence, length)

    def _touch(self, held: _Held) -> None:
        self._clock += 1
        held.last_used = self._clock
