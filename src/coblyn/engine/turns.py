"""Whose turn it is where requests have different adapters.

A step computes with one set of adapters. Where the engine can keep LoRA adapters to rows of one token, all requests
that are written share their steps whatever their sets; then only control vectors, and the reading of prompts, take
turns.

The group that waited longest comes next. So it waits for one turn of each other group at most, and a long prompt is
read in the short chunks that it is read in beside others.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

from coblyn.engine.generation import Generation
from coblyn.engine.prompt import Adapter

__all__ = ["Group", "Turns"]

_Set = tuple[Adapter, ...]


class Group(NamedTuple):
    """Requests that can share a step.

    Attributes:
        key: The same for a group with the same adapters in another step.
        members: The requests, in the order in which they run.
        is_mixed: They have different adapters: rows have one token each.
    """

    key: Hashable
    members: list[Generation]
    is_mixed: bool = False


class Turns:
    """The order of groups, by when they had their last turn."""

    def __init__(self) -> None:
        self._last: dict[Hashable, int] = {}
        self._now = 0

    def order(self, running: Sequence[Generation], *, mixes: bool = False) -> list[Group]:
        """The running requests in groups, those first that waited longest.

        Args:
            running: All of them.
            mixes: Whether rows of one token may have LoRA adapters of their own.
        """
        groups = _by_set(running)
        if len(groups) > 1 and mixes:
            groups = _mixed(groups)
        if len(groups) > 1:
            for group in groups:  # one that is new waits from now on: it overtakes nobody
                self._last.setdefault(group.key, self._now)
            groups.sort(key=lambda group: self._last[group.key])
        return groups

    def take(self, group: Group, groups: Sequence[Group]) -> None:
        """A group had its turn; others than those that are there are forgotten."""
        self._now += 1
        keys = {each.key for each in groups}
        self._last = {key: turn for key, turn in self._last.items() if key in keys}
        self._last[group.key] = self._now


def _by_set(running: Sequence[Generation]) -> list[Group]:
    groups: dict[_Set, Group] = {}
    for generation in running:
        key = generation.content.namespace.adapters
        if key not in groups:
            groups[key] = Group(key, [])
        groups[key].members.append(generation)
    return list(groups.values())


def _mixed(groups: Sequence[Group]) -> list[Group]:
    """All that is written in one group for each control vector, and each set of which something is read in one."""
    writing: dict[Hashable, list[Generation]] = {}
    for group in groups:
        ready = [each for each in group.members if not _is_reading(each)]
        writing.setdefault(("writing", _control(group)), []).extend(ready)
    together = [Group(key, members, is_mixed=True) for key, members in writing.items() if members]
    reading = [group for group in groups if any(map(_is_reading, group.members))]
    return [*together, *reading]


def _is_reading(generation: Generation) -> bool:
    """Whether one of its next rows has several tokens, or media, which are computed apart."""
    return any(
        track.num_pending > 1 or track.content.media_at(track.computed)
        for track in generation.tracks
    )


def _control(group: Group) -> _Set:
    adapters = group.members[0].content.namespace.adapters
    return tuple(adapter for adapter in adapters if adapter.kind == "control")
