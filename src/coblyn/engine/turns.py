"""The turns that requests with different adapters take.

A step computes with one set of adapters. If the engine can limit LoRA adapters to rows of one token, all decoding
requests share their steps, whatever their sets; then only control vectors and prefill take turns.

The group that waited longest comes next. So each group waits for at most one turn of every other group, and a long
prompt is prefilled in short chunks, as it is beside other requests.
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
        key: Identifies the group across steps by its adapters.
        members: The requests, in running order.
        is_mixed: Whether their adapters differ, so that each row has one token.
    """

    key: Hashable
    members: list[Generation]
    is_mixed: bool = False


class Turns:
    """The order of groups, by the time of their last turn."""

    def __init__(self) -> None:
        self._last: dict[Hashable, int] = {}
        self._now = 0

    def order(self, running: Sequence[Generation], *, mixes: bool = False) -> list[Group]:
        """The running requests in groups, those that waited longest first.

        Args:
            running: All running requests.
            mixes: Whether rows of one token may have different LoRA adapters.
        """
        groups = _by_set(running)
        if len(groups) > 1 and mixes:
            groups = _mixed(groups)
        if len(groups) > 1:
            for group in groups:  # a new group waits from now on, and overtakes no other
                self._last.setdefault(group.key, self._now)
            groups.sort(key=lambda group: self._last[group.key])
        return groups

    def take(self, group: Group, groups: Sequence[Group]) -> None:
        """Record a group's turn, and drop groups that no longer exist."""
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
    """One group of decoding requests per set of adapters of whole steps, and one of prefilling requests per set."""
    writing: dict[Hashable, list[Generation]] = {}
    for group in groups:
        ready = [each for each in group.members if not _is_reading(each)]
        writing.setdefault(("writing", _of_steps(group)), []).extend(ready)
    together = [Group(key, members, is_mixed=True) for key, members in writing.items() if members]
    reading = [group for group in groups if any(map(_is_reading, group.members))]
    return [*together, *reading]


def _is_reading(generation: Generation) -> bool:
    """Whether one of its next rows has several tokens, or media, which are computed separately."""
    return any(
        track.num_pending > 1 or track.content.media_at(track.computed)
        for track in generation.tracks
    )


def _of_steps(group: Group) -> _Set:
    adapters = group.members[0].content.namespace.adapters
    return tuple(adapter for adapter in adapters if not adapter.is_of_rows)
