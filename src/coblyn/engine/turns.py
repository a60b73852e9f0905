"""Whose turn it is. A step computes with one set of adapters, so requests with different sets take turns.

The set that waited longest comes next, with all its requests: those that are written, and those that are read. So a set
waits for one turn of each other set at most, and a long prompt is read in the short chunks that it is read in beside
others.
"""

from __future__ import annotations

from collections.abc import Sequence

from coblyn.engine.generation import Generation
from coblyn.engine.prompt import Adapter

__all__ = ["Turns"]

_Set = tuple[Adapter, ...]


class Turns:
    """The order of sets of adapters, by when they had their last turn."""

    def __init__(self) -> None:
        self._last: dict[_Set, int] = {}
        self._now = 0

    def order(self, running: Sequence[Generation]) -> list[list[Generation]]:
        """The running requests by their sets, those first that waited longest; within a set they keep their order."""
        groups: dict[_Set, list[Generation]] = {}
        for generation in running:
            groups.setdefault(_set_of(generation), []).append(generation)
        if len(groups) > 1:
            for each in groups:  # one that is new waits from now on: it overtakes nobody
                self._last.setdefault(each, self._now)
            return [groups[each] for each in sorted(groups, key=self._last.__getitem__)]
        return list(groups.values())

    def take(self, running: Sequence[Generation], group: Sequence[Generation]) -> None:
        """A group had its turn; sets that nobody uses any more are forgotten."""
        self._now += 1
        used = {_set_of(generation) for generation in running}
        self._last = {each: turn for each, turn in self._last.items() if each in used}
        self._last[_set_of(group[0])] = self._now


def _set_of(generation: Generation) -> _Set:
    return generation.content.namespace.adapters
