"""Transforms operations made on an older version of a story to the newest one, or refuses them with the reason."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from coblyn.errors import CoblynError
from coblyn.story.changes import Change, Changes, moved
from coblyn.story.operation import Edit, Operation, Put, scope_of
from coblyn.story.state import State, apply, apply_all
from coblyn.story.text import Text

__all__ = ["Conflict", "Merged", "Move", "merge"]


class Conflict(CoblynError):
    """Another client has changed the same paragraph or place meanwhile.

    Args:
        index: Index of the operation that cannot be applied.
        scope: The place that both changed.
    """

    code = "conflict"
    status = 409

    def __init__(self, index: int, scope: str) -> None:
        super().__init__(
            f"{scope} was changed elsewhere meanwhile.",
            hint="Look at the operations since your version, and send yours again on the newest.",
        )
        self.index = index
        self.scope = scope


@dataclass(frozen=True, slots=True)
class Move:
    """What happened since the version that operations stand on.

    Attributes:
        operation: What was done, in the journal's form.
        sent: The operation of this batch that it is, as it was sent, if it came from there already.
    """

    operation: Operation
    sent: Operation | None = None


@dataclass(frozen=True, slots=True)
class Merged:
    """Operations as they can be done now.

    Attributes:
        operations: In order.
        inverses: What takes each back; None where nothing does.
        state: The state after all of them.
    """

    operations: tuple[Operation, ...]
    inverses: tuple[Operation | None, ...]
    state: State


def merge(state: State, since: Sequence[Move], proposed: Sequence[Operation]) -> Merged:
    """What operations come to on a state that has moved on since they were made.

    Args:
        state: The newest.
        since: What has happened since the version that they stand on, oldest first.
        proposed: What is to be done, each in terms of the state after those before it.

    Raises:
        Conflict: One changes what someone else has changed since: the same paragraph of a text, or the same place.
        BadRequest: One cannot be done.
    """
    if not since:
        state, undone = apply_all(state, proposed)
        return Merged(tuple(proposed), tuple(undone), state)
    foreign = _Foreign(since)
    operations, inverses = [], []
    for index, operation in enumerate(proposed):
        adjusted = foreign.past(operation, state, index)
        state, inverse = apply(state, adjusted)
        operations.append(adjusted)
        inverses.append(inverse)
    return Merged(tuple(operations), tuple(inverses), state)


class _Foreign:
    """What others did, in terms of the state that the next operation of ours stands on."""

    def __init__(self, since: Sequence[Move]) -> None:
        self._texts: dict[str, list[Changes]] = {}
        self._places: dict[str, Any] = {}
        for move in since:
            if move.sent is not None:
                self._note_ours(move.sent)
            elif isinstance(move.operation, Edit):
                changes = self._texts.setdefault(move.operation.branch, [])
                changes.append(move.operation.changes)
            elif scope := scope_of(move.operation):
                self._places[scope] = move.operation

    def past(self, operation: Operation, state: State, index: int) -> Operation:
        """An operation as it can be done on the newest state."""
        scope = scope_of(operation)
        if isinstance(operation, Edit):
            if not self._texts.get(operation.branch):
                return operation
            return self._edit(operation, state, index)
        if scope in self._places and not _is_same(self._places.pop(scope), operation):
            raise Conflict(index, scope)
        return operation

    def _edit(self, operation: Edit, state: State, index: int) -> Edit:
        others = self._texts[operation.branch]
        adjusted, remaining = _crossed(operation.changes, others)
        if _share_a_paragraph(_flat(state.text(operation.branch)), adjusted, _ranges(others)):
            raise Conflict(index, scope_of(operation))
        self._texts[operation.branch] = remaining
        return replace(operation, changes=adjusted)

    def _note_ours(self, sent: Operation) -> None:
        """One of ours that the journal has: what others did before it is now told in terms of the text after it."""
        if isinstance(sent, Edit) and (others := self._texts.get(sent.branch)):
            self._texts[sent.branch] = _crossed(sent.changes, others)[1]


def _crossed(ours: Changes, others: Iterable[Changes]) -> tuple[Changes, list[Changes]]:
    """Ours as they are after the others', and the others' as they are after ours."""
    remaining = []
    for theirs in others:
        remaining.append(moved(theirs, ours, is_first=True))
        ours = moved(ours, theirs)
    return ours, remaining


def _is_same(theirs: Operation, ours: Operation) -> bool:
    return theirs == ours or (
        isinstance(theirs, Put) and isinstance(ours, Put) and theirs.value == ours.value
    )


def _flat(text: Text) -> str:
    """A text with one character a UTF-16 unit, and the same line breaks."""
    if len(text.text) == text.length:
        return text.text
    return "".join(char if char < "\U00010000" else "xx" for char in text.text)


Ranges = list[tuple[int, int]]


def _ranges(steps: Sequence[Changes]) -> Ranges:
    """Where a row of changes has left its marks, in the text after all of them."""
    ranges: Ranges = []
    for step in steps:
        ranges = _joined([*(_carried(span, step) for span in ranges), *_written(step)])
    return ranges


def _written(changes: Changes) -> Iterable[tuple[int, int]]:
    shift = 0
    for change in changes:
        length = change.insert.length
        yield change.start + shift, change.start + shift + length
        shift += length - (change.end - change.start)


def _carried(span: tuple[int, int], step: Changes) -> tuple[int, int]:
    (change,) = moved((Change(*span),), step)
    return change.start, change.end


def _joined(ranges: Ranges) -> Ranges:
    """The same places in as few ranges as there can be: typing is one."""
    joined: Ranges = []
    for start, end in sorted(ranges):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _share_a_paragraph(text: str, ours: Changes, theirs: Ranges) -> bool:
    paragraphs = [_paragraph(text, start, end) for start, end in theirs]
    own = (_paragraph(text, change.start, change.end) for change in ours)
    return any(start <= high and low <= end for low, high in own for start, end in paragraphs)


def _paragraph(text: str, start: int, end: int) -> tuple[int, int]:
    """The lines that a range touches, without the line breaks around them."""
    low = text.rfind("\n", 0, start) + 1
    high = text.find("\n", end)
    return low, len(text) if high < 0 else high
