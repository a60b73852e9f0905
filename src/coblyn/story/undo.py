"""Undo and redo, which are ordinary operations, so nothing is removed from the journal.

A step is all operations of one unit (a pause of typing, a piece of a model, an import). Within a scope
(`operation.scope_of`) steps are undone from the newest on; a step that was undone can be done again until something
else is done there.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

__all__ = ["Mark", "Role", "first_outstanding", "to_redo", "to_undo", "uncancelled"]

Role = Literal["do", "undo", "redo"]


class Mark(NamedTuple):
    """The journal's data about an operation, without its body.

    Attributes:
        version: Which version of the story it made.
        unit: The step that it is part of.
        role: Whether it is something new, takes a step back, or brings one again.
        reverts: The version whose operation it reverts; 0 for something new.
    """

    version: int
    unit: str
    role: Role
    reverts: int


def to_undo(newest_first: Iterable[Mark]) -> str | None:
    """The unit that an undo reverts; None if nothing is left.

    Args:
        newest_first: All marks of a scope, or of all scopes.
    """
    return next((mark.unit for mark in _alive(newest_first) if mark.role != "undo"), None)


def to_redo(newest_first: Iterable[Mark]) -> str | None:
    """The unit, an undo's own, that a redo takes back; None if there is nothing to bring again."""
    return next((mark.unit for mark in _outstanding(newest_first)), None)


def first_outstanding(newest_first: Iterable[Mark]) -> int | None:
    """The first version of the undo steps that could still be done again; None if there are none."""
    return min((mark.version for mark in _outstanding(newest_first)), default=None)


def uncancelled(oldest_first: Iterable[tuple[int, int]]) -> list[int]:
    """The versions that are left when those that take each other back are left out.

    Args:
        oldest_first: A version and the one that it takes back, for each operation of a text.
    """
    left: list[int] = []
    for version, reverts in oldest_first:
        if left and left[-1] == reverts:
            left.pop()
        else:
            left.append(version)
    return left


def _alive(newest_first: Iterable[Mark]) -> Iterator[Mark]:
    """The marks of what was not taken back. An undo that was taken back took nothing back."""
    taken_back: set[int] = set()
    for mark in newest_first:
        if mark.version not in taken_back:
            taken_back.add(mark.reverts)
            yield mark


def _outstanding(newest_first: Iterable[Mark]) -> Iterator[Mark]:
    """The undo marks that a redo could take back, the next one first: until something new was done."""
    since = itertools.takewhile(lambda mark: mark.role != "do", newest_first)
    return (mark for mark in _alive(since) if mark.role == "undo")
