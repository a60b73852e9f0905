"""Changes of a text: made, taken back, and moved past changes that others made meanwhile."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from coblyn.errors import BadRequest
from coblyn.story.text import EMPTY, Cutter, Text, read_runs, units

__all__ = ["Change", "Changes", "applied", "changes_json", "moved", "read_changes"]

MAX_CHANGES = 100_000


@dataclass(frozen=True, slots=True)
class Change:
    """One range of a text, replaced.

    Attributes:
        start, end: The range, in UTF-16 units of the text before the change.
        insert: What stands there afterwards.
    """

    start: int
    end: int
    insert: Text = EMPTY


Changes = tuple[Change, ...]
"""Ranges of one text in rising order; none touches the inside of another. Their positions are all of the text
before."""


def applied(text: Text, changes: Changes) -> tuple[Text, Changes]:
    """The text after changes, and the changes that take them back.

    Raises:
        BadRequest: A range is not part of the text.
    """
    cutter = Cutter(text)
    parts: list[Text] = []
    inverse: list[Change] = []
    at = shift = 0
    for change in changes:
        parts += [cutter.cut(at, change.start), change.insert]
        start = change.start + shift
        length = change.insert.length
        inverse.append(Change(start, start + length, cutter.cut(change.start, change.end)))
        shift += length - (change.end - change.start)
        at = change.end
    return EMPTY.plus(*parts, cutter.cut(at, cutter.length)), tuple(inverse)


def moved(changes: Changes, over: Changes, *, is_first: bool = False) -> Changes:
    """Changes as they are in a text that others have changed already; both are of the same text.

    What was put into a range that is replaced goes with it. Of two insertions at one place the one that is first
    stands first.

    Args:
        changes: What is moved.
        over: What was done already.
        is_first: Where both insert at one place, whether ``changes`` stand before ``over``.
    """
    result: list[Change] = []
    for change in changes:
        is_insertion = change.start == change.end
        start = _moved(change.start, over, to_end=not (is_insertion and is_first))
        end = start if is_insertion else _moved(change.end, over, to_end=False)
        low = result[-1].end if result else 0
        result.append(Change(max(start, low), max(start, end, low), change.insert))
    return tuple(result)


def _moved(position: int, over: Changes, *, to_end: bool) -> int:
    """Where a position of a text is after changes.

    One inside of a range that was replaced goes to the end of what replaced it, or to its start; so does one at an
    insertion.
    """
    shift = 0
    for change in over:
        if change.start > position or (change.start == position and not to_end):
            break
        length = change.insert.length
        if position < change.end or (change.start == position == change.end):
            return change.start + shift + (length if to_end else 0)
        shift += length - (change.end - change.start)
    return position + shift


def read_changes(value: Any) -> Changes:
    """Changes as clients send them: ``[{"from", "to", "insert", "piece" or "runs"}]``.

    Raises:
        BadRequest: They are something else, or out of order.
    """
    if not isinstance(value, list) or len(value) > MAX_CHANGES:
        raise BadRequest(
            f"changes must be a list of at most {MAX_CHANGES} objects.", field="changes"
        )
    changes = tuple(map(_read_change, value))
    for one, next_one in itertools.pairwise(changes):
        if next_one.start < one.end:
            raise BadRequest("changes must be in order and apart from each other.", field="changes")
    return changes


def _read_change(value: Any) -> Change:
    if not isinstance(value, dict):
        raise BadRequest("A change must be an object.", field="changes")
    start, text, piece = value.get("from"), value.get("insert", ""), value.get("piece") or ""
    end = value.get("to", start)
    if type(start) is not int or type(end) is not int or not 0 <= start <= end:
        raise BadRequest("A change needs from and to, integers in order.", field="changes.from")
    if not isinstance(text, str) or not isinstance(piece, str):
        raise BadRequest("insert and piece must be strings.", field="changes.insert")
    if "runs" in value:
        return Change(start, end, Text(text, read_runs(value["runs"], units(text))))
    return Change(start, end, Text.of(text, piece))


def changes_json(changes: Iterable[Change]) -> list[dict[str, Any]]:
    """Changes as they are sent and kept."""
    return [_change_json(change) for change in changes]


def _change_json(change: Change) -> dict[str, Any]:
    value: dict[str, Any] = {"from": change.start, "to": change.end, "insert": change.insert.text}
    runs: Sequence[tuple[int, str]] = change.insert.runs
    if len(runs) > 1:
        value["runs"] = [list(run) for run in runs]
    elif runs and runs[0][1]:
        value["piece"] = runs[0][1]
    return value
