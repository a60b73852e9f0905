"""Shared by causes that examine a tree: evidence, steps, and merging with findings from a log."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from coblyn.doctor.finding import Evidence, Step, StepKind
from coblyn.doctor.tree.files import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from coblyn.doctor.finding import Finding
    from coblyn.doctor.tree.make.database import Place
    from coblyn.doctor.tree.tree import Tree

__all__ = ["aside", "at", "clear", "joined", "listed", "move", "shown"]

_MAX_STEPS = 200
_FROM_LOG = 3


def joined(found: Finding | None, logged: Finding | None) -> Finding | None:
    """Merge the finding from a tree with that from a log, with the evidence of both."""
    if found is None or logged is None:
        return found or logged
    return replace(
        found,
        evidence=(*found.evidence, *logged.evidence[:_FROM_LOG]),
        confidence=max(found.confidence, logged.confidence),
        # A failure in the log is more than a risk.
        severity=min(found.severity, logged.severity, key=("failure", "risk", "note").index),
    )


def at(place: Place | str, text: str) -> Evidence:
    """Evidence at a line of a makefile, or in an entire file."""
    if isinstance(place, str):
        name, _, number = place.rpartition(":")
        if number.isdecimal() and name:
            return Evidence(shown(name), int(number), printable(text))
        return Evidence(shown(place), 0, printable(text))
    return Evidence(shown(place.file), place.line, printable(text))


def shown(name: object) -> str:
    """A name in the form shown to the user."""
    return printable(str(name), 160)


def listed(names: Sequence[str], most: int = 3) -> str:
    """Some names as a phrase: "a", "a and b", "a, b, c and 4 more"."""
    some = [shown(name) for name in names[:most]]
    if len(names) > most:
        return f"{', '.join(some)} and {len(names) - most} more"
    return " and ".join([", ".join(some[:-1]), some[-1]]) if len(some) > 1 else "".join(some)


def move(tree: Tree, name: str) -> str:
    """The shell command that moves a file aside, to be run in the tree."""
    return f"mv {shlex.quote(shown(name))} {shlex.quote(f'{shown(name)}.old-{tree.today}')}"


def aside(tree: Tree, name: str, reason: str) -> Step:
    """Steps that move a user's file aside."""
    return Step(StepKind.ASIDE, tree.files.path(name), reason)


def clear(tree: Tree, names: Iterable[str], reason: str) -> tuple[Step, ...]:
    """Steps that clear those of the files that are in the tree and that git does not track."""
    there = [name for name in names if name in tree.files.entries]
    kept = [name for name in dict.fromkeys(there) if tree.git.says(name) != "tracked"]
    return tuple(Step(StepKind.CLEAR, tree.files.path(name), reason) for name in kept[:_MAX_STEPS])
