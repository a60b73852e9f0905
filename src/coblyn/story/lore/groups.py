"""Inclusion groups: only one entry of a group is admitted."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace

from coblyn.story.lore.look import Called
from coblyn.story.lore.verdict import Fired, Silent

__all__ = ["survivors"]


def survivors(
    called: Sequence[Called], fired: Iterable[Fired], seed: int, *, is_scored: bool
) -> tuple[list[Called], list[Silent]]:
    """The triggered entries that win their groups, and those that lose.

    Args:
        called: In the order in which they get room.
        fired: Entries that entered before.
        seed: Decides the draws.
        is_scored: Whether those with fewer matching keys lose, where entries do not say it themselves.
    """
    kept = list(called)
    lost: list[Silent] = []
    taken = {group: one.entry.name for one in fired for group in one.entry.groups}
    for group in dict.fromkeys(group for one in called for group in one.entry.groups):
        members = [one for one in kept if group in one.entry.groups]
        winner, name = _winner(members, group, taken, seed, is_scored=is_scored)
        for one in members:
            if winner is None or one.entry.id not in winner:
                kept.remove(one)
                lost.append(Silent(one.entry, "group", {"group": group, "lost_to": name}))
        if winner and len(members) > 1:
            kept = [
                replace(one, won=group) if one.entry.id in winner and one.by != "sticky" else one
                for one in kept
            ]
    return kept, lost


def _winner(
    members: Sequence[Called], group: str, taken: dict[str, str], seed: int, *, is_scored: bool
) -> tuple[set[str] | None, str]:
    """The ids that win a group and the name of who won; None for the ids if an earlier pass decided it."""
    if not members:
        return set(), ""
    if sticky := [one for one in members if one.by == "sticky"]:
        return {one.entry.id for one in sticky}, sticky[0].entry.name
    if group in taken:
        return None, taken[group]
    candidates = _best(members, is_scored=is_scored)
    first = [one for one in candidates if one.entry.group_override]
    one = (
        max(first, key=lambda each: each.entry.order) if first else _drawn(candidates, group, seed)
    )
    return {one.entry.id}, one.entry.name


def _best(members: Sequence[Called], *, is_scored: bool) -> Sequence[Called]:
    """Without those that are scored and have fewer keys than the best."""
    scored = [
        is_scored if one.entry.group_scoring is None else one.entry.group_scoring for one in members
    ]
    if not any(scored):
        return members
    best = max(one.score for one in members)
    return [
        one for one, counts in zip(members, scored, strict=True) if not counts or one.score >= best
    ]


def _drawn(members: Sequence[Called], group: str, seed: int) -> Called:
    """One of them by weight, the same for the same seed."""
    digest = hashlib.blake2b(f"{seed}/group/{group}".encode(), digest_size=8).digest()
    total = sum(one.entry.group_weight for one in members)
    rest = int.from_bytes(digest, "little") / 2**64 * total
    for one in members:
        rest -= one.entry.group_weight
        if rest < 0:
            return one
    return members[-1]
