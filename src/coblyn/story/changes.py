"""Changes to a text: applied, inverted, and transformed past concurrent changes."""

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
    """The replacement of one range of a text.

    Attributes:
        start, end: The range, in UTF-16 units of the text before the change.
        insert: The new text.
    """

    start: int
    end: int
    insert: Text = EMPTY


Changes = tuple[Change, ...]
"""Non-overlapping ranges of one text in ascending order. All positions refer to the text before the changes."""


def applied(text: Text, changes: Changes) -> tuple[Text, Changes]:
    """Apply changes. Gives the new text and the inverse changes.

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
    """Transform changes past concurrent changes of the same text.

    An insertion within a replaced range is lost. Of two insertions at the same place, the first one stays first.

    Args:
        changes: The changes to transform.
        over: The changes already applied.
        is_first: Whether ``changes`` come before ``over`` if both insert at the same place.
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
    """Transform a position past changes.

    A position within a replaced range, or at an insertion, moves to the end of the new text, or to its start.
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
    """Parse changes as clients send them: ``[{"from", "to", "insert", "piece" or "runs"}]``.

    Raises:
        BadRequest: They are malformed or out of order.
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
    """Changes as JSON for clients and the journal."""
    return [_change_json(change) for change in changes]


def _change_json(change: Change) -> dict[str, Any]:
    value: dict[str, Any] = {"from": change.start, "to": change.end, "insert": change.insert.text}
    runs: Sequence[tuple[int, str]] = change.insert.runs
    if len(runs) > 1:
        value["runs"] = [list(run) for run in runs]
    elif runs and runs[0][1]:
        value["piece"] = runs[0][1]
    return value
