"""What each sequence holds. Finds the longest prefix that a new prompt shares with it.

What no request uses any more is kept for later requests: on the shelf in main memory if there is one, so that it does
not slow down running requests, otherwise in the KV memory until room is needed.

The cache decides on operations and tracks their effects; a runner executes them. Its lengths are in cells. Lengths in
operations, and the starts of windows, are positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from coblyn.engine.cells import Cells
from coblyn.engine.content import Content, common_prefix
from coblyn.engine.plan import CacheOp, Copy, Remove, Restore, Save
from coblyn.engine.shelf import Shelf, Shelved, reach
from coblyn.engine.window import NO_WINDOW, Window

__all__ = ["MIN_SHARED", "Claim", "SequenceCache"]

MIN_SHARED = 16
"""Shorter common prefixes are not worth a separate sequence id."""

MIN_RESTORED = 8
"""A copy on the shelf is restored only if it covers this many more tokens than the KV memory does."""


@dataclass(slots=True)
class _Held:
    """What a sequence holds.

    ``logits_at`` is the length at which the logits are kept, the end of its prompt, or 0; ``key`` is the key
    of an equal copy on the shelf; ``start`` is the first position still present in its window.
    """

    content: Content = field(default_factory=Content)
    is_idle: bool = True
    last_used: int = 0
    logits_at: int = 0
    key: int | None = None
    start: int = 0


@dataclass(frozen=True, slots=True)
class Claim:
    """A sequence for a new request.

    Attributes:
        sequence: Its id.
        length: Number of tokens of the prompt that it already holds.
        replays: Whether it holds the whole prompt and the logits after it are kept, so that the first token can be
            drawn without computing anything.
    """

    sequence: int
    length: int
    replays: bool


class SequenceCache:
    """The sequences of one context.

    Args:
        num_sequences: Sequence ids are 0 to this, exclusive.
        num_cells: Number of KV cells that they share.
        is_rewindable: Whether a sequence can be truncated. If not (recurrent and hybrid models), only whole sequences
            are reused.
        shelf_tokens: Capacity of the shelf in main memory, in tokens; 0 for no shelf.
        window: The model's sliding window.
        shares_cells: Whether all sequences share their cells. If not, a sequence can be copied only by saving and
            restoring it, and each copy has only the window at its end.
    """

    def __init__(
        self,
        num_sequences: int,
        num_cells: int,
        *,
        is_rewindable: bool = True,
        shelf_tokens: int = 0,
        window: Window = NO_WINDOW,
        shares_cells: bool = True,
    ) -> None:
        self._held = [_Held() for _ in range(num_sequences)]
        self._cells = Cells(num_cells)
        self._shelf = Shelf(shelf_tokens, window) if shelf_tokens else None
        self._window = window
        self.shares_cells = shares_cells
        self.is_rewindable = is_rewindable
        self._clock = 0
        self._log: list[CacheOp] = []

    @property
    def num_cells(self) -> int:
        """Total number of KV cells."""
        return self._cells.total

    @property
    def num_idle(self) -> int:
        """Number of sequences that no request uses."""
        return sum(held.is_idle for held in self._held)

    @property
    def free_cells(self) -> int:
        """Number of cells that no sequence uses."""
        return self._cells.free

    def content(self, sequence: int) -> Content:
        """What a sequence holds."""
        return self._held[sequence].content

    def observe(self, starts: Sequence[int]) -> None:
        """Record the first position of each sequence's window: the library may reuse the cells before it."""
        for held, start in zip(self._held, starts, strict=True):
            held.start = start if held.content else 0

    def claim(self, prompt: Content, *, reserved: int = 0) -> Claim | None:
        """Find a sequence for a prompt, reusing the longest prefix of it that is in memory.

        Args:
            prompt: The content that the sequence will hold.
            reserved: Number of free cells that are promised to other requests.

        Returns:
            None if all sequences are in use, or there are not enough free cells for the rest of the prompt.
        """
        source, length = self._best_match(prompt)
        source, length = self._bring_back(prompt, source, length, reserved)
        if not self._room_for(reserved + len(prompt) - length + 1, source, length):
            return None
        sequence = self._place(source, length)
        if sequence is None:
            return None
        held = self._held[sequence]
        held.is_idle = False
        held.key = None
        if not held.content:
            held.content = prompt.prefix(0)
        self._touch(held)
        self._clear_away()
        return Claim(sequence, length, replays=length == len(prompt))

    def foresee(self, prompt: Content) -> int:
        """Number of cells of a prompt that ``claim`` would find in memory or on the shelf now. Changes nothing."""
        return max(self._best_match(prompt)[1], self._on_shelf(prompt)[1])

    def at_end(self, prompt: Content) -> int | None:
        """The sequence that keeps the logits after a prompt; None if there is none."""
        wanted = len(prompt)
        found = (
            sequence
            for sequence, held in enumerate(self._held)
            if held.logits_at == wanted and common_prefix(held.content, prompt) == wanted
        )
        return next(found, None)

    def save_idle(self) -> None:
        """Copy an idle sequence to the shelf ahead of time, while there is nothing else to do."""
        if self._window.size and not self.shares_cells:
            return  # saving would cut the sequence's window down to its end
        for sequence, held in enumerate(self._held):
            if held.is_idle and held.content:
                self._save(sequence, len(held.content))

    def newest(self, rank: int) -> tuple[int, Shelved] | None:
        """The copy of a recently used idle text, with its key; ``rank`` 0 is the latest. None if there is none.

        Moves all idle sequences to the shelf first.
        """
        self._clear_away()
        key = self._shelf.newest(rank) if self._shelf else None
        return (key, self._shelf[key]) if self._shelf and key is not None else None

    def put(self, copy: Shelved) -> int | None:
        """Add a copy from elsewhere. Gives its key, or None if the shelf has no room for it."""
        if not self._shelf:
            return None
        key, discarded = self._shelf.add(copy)
        self._log += discarded
        return key

    def forget(self, key: int) -> None:
        """Discard a copy."""
        assert self._shelf, "a key is that of a copy"
        self._log.append(self._shelf.discard(key))

    def append(self, sequence: int, content: Content, end: int) -> None:
        """Record that a sequence now holds the first ``end`` cells of a content."""
        held = self._held[sequence].content
        start = len(held.cells)
        held.extend(content, start, end)
        self._cells.append(sequence, end - start)

    def keep_prompt_logits(self, sequence: int) -> None:
        """Record that the runner keeps the logits after the tokens that the sequence holds now."""
        held = self._held[sequence]
        held.logits_at = len(held.content)

    def release(self, sequence: int) -> None:
        """Record that the request is over; its tokens stay available to others until room is needed."""
        held = self._held[sequence]
        held.is_idle = True
        self._touch(held)

    def drop(self, sequence: int) -> None:
        """Discard all that a sequence holds."""
        self._log.append(self._truncate(sequence, 0))
        self._held[sequence].is_idle = True

    def can_cut(self, sequence: int, length: int) -> bool:
        """Whether a sequence can be truncated to a length and continued from there."""
        held = self._held[sequence]
        return self.is_rewindable and held.start <= self._window.needed(length)

    def cut(self, sequence: int, length: int) -> None:
        """Truncate a sequence to a length."""
        self._log.append(self._truncate(sequence, length))

    def take_back(self, sequence: int) -> None:
        """Remove what was computed in a sequence but never appended here, because it came after the end of its text."""
        content = self._held[sequence].content
        self._log.append(Remove(sequence, content.position(len(content))))

    @property
    def has_operations(self) -> bool:
        """Whether there are operations for a runner to execute."""
        return bool(self._log)

    def take_operations(self) -> tuple[CacheOp, ...]:
        """The operations that a runner has to execute, in order; each is given once."""
        operations = tuple(self._log)
        self._log.clear()
        return operations

    def make_room(self, count: int, *, keep: int | None = None) -> bool:
        """Evict idle sequences, oldest first, ``keep`` excepted, until ``count`` cells are free."""
        while self._cells.free < count:
            victim = self._oldest_idle(keep)
            if victim is None:
                return False
            self._evict(victim)
        return True

    def _bring_back(
        self,
        prompt: Content,
        source: int | None,
        length: int,
        reserved: int,
    ) -> tuple[int | None, int]:
        """Restore a copy from the shelf if it covers more of the prompt than the KV memory does."""
        if not self._shelf or self._on_shelf(prompt)[1] < length + MIN_RESTORED:
            return source, length
        # Clearing away may evict the copy that was found.
        self._clear_away()
        key, saved = self._on_shelf(prompt)
        if key is None:
            return self._best_match(prompt)
        copy = self._shelf[key]
        self._shelf.touch(key)
        room = reserved + max(len(copy.content), len(prompt)) + 1
        target = self._vacate(None) if self.make_room(room) else None
        if target is None or key not in self._shelf:
            return self._best_match(prompt)
        self._restore(key, copy.resume(self._reusable(copy, prompt), self._window)[1], target)
        if saved < len(self._held[target].content):
            self._log.append(self._truncate(target, saved))
        return target, saved

    def _on_shelf(self, prompt: Content) -> tuple[int | None, int]:
        """The copy that covers most of a prompt, and the number of cells it covers."""
        if not self._shelf:
            return None, 0
        return self._shelf.best(
            lambda copy: copy.resume(self._reusable(copy, prompt), self._window)[0]
        )

    def _restore(self, key: int, length: int, target: int) -> None:
        assert self._shelf, "a key is that of a copy"
        copy, held = self._shelf[key], self._held[target]
        is_whole = length == len(copy.content)
        held.content = copy.content.prefix(length)
        held.logits_at = copy.logits_at if copy.logits_at <= length else 0
        held.start = copy.start if is_whole else self._saved(copy.content, length)
        self._cells.append(target, length)
        self._log.append(Restore(key, target, copy.content.position(length)))
        if self.shares_cells:
            # The library may have placed it in cells that other windows no longer need.
            for other in self._held:
                other.start = max(other.start, self._saved(other.content, len(other.content)))

    def _clear_away(self) -> None:
        """Move idle sequences to the shelf, so that they do not slow down running ones."""
        for sequence, held in enumerate(self._held):
            if held.is_idle and held.content:
                self._save(sequence, 0)

    def _save(self, sequence: int, keep: int) -> bool:
        """Put a sequence on the shelf and cut it to ``keep`` cells. If there is no room, do nothing and give False."""
        held = self._held[sequence]
        if not self._shelf:
            return False
        if held.key is not None and held.key in self._shelf:
            if keep < len(held.content):
                self._log.append(self._truncate(sequence, keep))
            return True
        whole = held.content.prefix(len(held.content))
        start = max(held.start, self._saved(whole, len(whole)))
        copy = Shelved(whole, held.logits_at, start, self._marks(held, start))
        taken = self._taken(held, copy)
        held.key, discarded = self._shelf.add(copy)
        if held.key is None:
            return False
        operation = _save_operation(sequence, held.key, keep, copy, taken)
        sources = {key for _, key in operation.taken}
        self._log += [discard for discard in discarded if discard.key not in sources]
        self._log.append(operation)
        self._log += [discard for discard in discarded if discard.key in sources]
        if keep < len(held.content):
            self._truncate(sequence, keep)
        if not self.shares_cells:
            held.start = max(held.start, self._saved(whole, keep))
        return True

    def _marks(self, held: _Held, start: int) -> tuple[int, ...]:
        """Lengths at which a copy keeps the window, most useful first: prompt's end for retries, strides for edits."""
        if start == 0:
            return ()  # the copy holds everything
        stride, end = self._window.stride, len(held.content)
        strides = range((end - 1) // stride * stride, 0, -stride)
        lengths = [held.logits_at, *map(held.content.whole, strides)]
        wanted = [mark for mark in dict.fromkeys(lengths) if 0 < mark < end]
        return tuple(
            mark for mark in wanted if self._has_window(held, mark) or self._keys(held, mark)
        )

    def _has_window(self, held: _Held, mark: int) -> bool:
        return held.start <= self._saved(held.content, mark)

    def _saved(self, content: Content, length: int) -> int:
        """The first position of the window in a copy of the first ``length`` cells."""
        return self._window.saved(content.position(length))

    def _keys(self, held: _Held, mark: int) -> list[int]:
        return self._shelf.keys_of_mark(mark, held.content) if self._shelf else []

    def _taken(self, held: _Held, copy: Shelved) -> dict[int, int]:
        """Marks whose windows the sequence no longer has, each with the older copy that has it."""
        gone = [mark for mark in copy.marks if not self._has_window(held, mark)]
        return {mark: self._keys(held, mark)[0] for mark in gone}

    def _room_for(self, count: int, source: int | None, length: int) -> bool:
        if self.make_room(count, keep=source):
            return True
        if source is None or not self._held[source].is_idle or not self.is_rewindable:
            return False
        self._log.append(self._truncate(source, length))
        return self._cells.free >= count

    def _best_match(self, prompt: Content) -> tuple[int | None, int]:
        best: tuple[int, bool, int] | None = None
        for sequence, held in enumerate(self._held):
            content, limit = held.content, self._reusable(held, prompt)
            length = reach(content, len(content), held.start, limit, self._window)
            is_whole = held.is_idle and length == len(content)
            if length >= min(MIN_SHARED, len(prompt)) or (is_whole and length > 0):
                best = max(best or (0, False, -1), (length, is_whole, sequence))
        return (best[2], best[0]) if best else (None, 0)

    def _reusable(self, held: _Held | Shelved, prompt: Content) -> int:
        """Cells of a sequence that a prompt can reuse; at least one is left to compute unless logits are kept."""
        length = common_prefix(held.content, prompt)
        if not self.is_rewindable:
            return length if length == len(held.content) < len(prompt) else 0
        if length == len(prompt) and held.logits_at != length:
            return prompt.whole(max(0, length - 1))
        return length

    def _place(self, source: int | None, length: int) -> int | None:
        if source is None:
            return self._vacate(None)
        held = self._held[source]
        if held.is_idle and (len(held.content) == length or self._cut_saved(source, length)):
            return source
        target = self._vacate(source)
        if target is not None:
            self._copy(source, target, length)
            return target
        if not held.is_idle or not self.is_rewindable:
            return None
        self._log.append(self._truncate(source, length))
        return source

    def _vacate(self, keep: int | None) -> int | None:
        """An empty idle sequence; evicts one if necessary."""
        for sequence, held in enumerate(self._held):
            if not held.is_idle or sequence == keep:
                continue
            # Without shared cells, the library cuts batches at gaps between running ones.
            if not held.content or (not self.shares_cells and self._save(sequence, 0)):
                return sequence
        victim = self._oldest_idle(keep)
        if victim is not None:
            self._evict(victim)
        return victim

    def _cut_saved(self, sequence: int, length: int) -> bool:
        """Cut a sequence if all of it is on the shelf."""
        return self.is_rewindable and self._save(sequence, length)

    def _evict(self, sequence: int) -> None:
        if not self._save(sequence, 0):
            self._log.append(self._truncate(sequence, 0))

    def _oldest_idle(self, keep: int | None) -> int | None:
        idle = [
            (held.last_used, sequence)
            for sequence, held in enumerate(self._held)
            if held.is_idle and held.content and sequence != keep
        ]
        return min(idle)[1] if idle else None

    def _copy(self, source: int, target: int, length: int) -> None:
        self._cells.copy(source, target, length)
        origin, held = self._held[source], self._held[target]
        held.content = origin.content.prefix(length)
        held.logits_at = length if origin.logits_at == length else 0
        held.start = origin.start
        if not self.shares_cells:
            held.start = max(origin.start, self._saved(held.content, length))
            end = self._saved(origin.content, len(origin.content))
            origin.start = max(origin.start, end)
        self._log.append(Copy(source, target, held.content.position(length)))

    def _truncate(self, sequence: int, length: int) -> Remove:
        held = self._held[sequence]
        position = held.content.position(length)
        held.content.truncate(length)
        if held.logits_at > length:
            held.logits_at = 0
        held.key = None
        if length == 0:
            held.start = 0
        self._cells.truncate(sequence, length)
        return Remove(sequence, position)

    def _touch(self, held: _Held) -> None:
        self._clock += 1
        held.last_used = self._clock


def _save_operation(
    sequence: int, key: int, keep: int, copy: Shelved, taken: dict[int, int]
) -> Save:
    """The operation that saves a sequence with those marks that have room.

    Those in ``taken`` come from older copies.
    """
    position = copy.content.position
    new = tuple(position(mark) for mark in copy.marks if mark not in taken)
    old = tuple((position(mark), taken[mark]) for mark in copy.marks if mark in taken)
    return Save(sequence, key, position(keep), new, old)
