"""Decorators: lines at the top of an entry's content that control it (``@@depth 4``), from cards of version 3."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from coblyn.story.lore.entry import (
    AFTER_CHARACTER,
    AT_DEPTH,
    BEFORE_CHARACTER,
    Entry,
    strings,
)

__all__ = ["Decorated", "decorated"]

_LINE = re.compile(r"(@{2,})([a-z_]+)[ \t]*(.*)")
_POSITIONS = {
    "before_desc": BEFORE_CHARACTER,
    "after_desc": AFTER_CHARACTER,
    "personality": AFTER_CHARACTER,
    "scenario": AFTER_CHARACTER,
}


@dataclass(frozen=True, slots=True)
class Decorated:
    """An entry with its parsed decorators.

    Attributes:
        entry: With the content that is left, and with what has a field of its own.
        is_forced: Whether it fires without a key.
        is_suppressed: Whether it never fires.
        only_after: Minimum number of the model's messages before it fires.
        only_every: It fires only if that number is a multiple of this; 0 for always.
        keeps: Whether it keeps firing once it has fired.
        fires_once: Whether it fires only once.
        excluded: Keys that prevent it.
    """

    entry: Entry
    is_forced: bool = False
    is_suppressed: bool = False
    only_after: int = 0
    only_every: int = 0
    keeps: bool = False
    fires_once: bool = False
    excluded: tuple[str, ...] = ()


def decorated(entry: Entry) -> Decorated:
    """Read the decorators of an entry.

    Of one with fallbacks (``@@@``) the first that is known counts; others are left out.
    """
    result = Decorated(entry)
    if not entry.content.lstrip().startswith("@@"):
        return result
    lines = entry.content.split("\n")
    is_done = False
    at = 0
    for at, line in enumerate(lines):  # noqa: B007 - where the content begins
        found = _LINE.fullmatch(line.strip())
        if found is None:
            break
        is_fallback = len(found[1]) > 2
        if is_fallback and is_done:
            continue
        changed = _with(result, found[2], found[3].strip())
        is_done = changed is not None
        result = changed or result
    else:
        at = len(lines)
    if at == 0:
        return result
    return replace(result, entry=replace(result.entry, content="\n".join(lines[at:])))


def _with(one: Decorated, name: str, value: str) -> Decorated | None:
    """With one decorator more; None if that is not known, or has no sense."""
    act = _ACTS.get(name)
    return act(one, value) if act else None


def _number(value: str) -> int | None:
    return int(value) if value.isascii() and value.isdigit() and len(value) < 7 else None


def _entry(one: Decorated, **fields: object) -> Decorated:
    return replace(one, entry=replace(one.entry, **fields))  # type: ignore[arg-type]


def _numeric(
    act: Callable[[Decorated, int], Decorated],
) -> Callable[[Decorated, str], Decorated | None]:
    def read(one: Decorated, value: str) -> Decorated | None:
        number = _number(value)
        return None if number is None else act(one, number)

    return read


def _role(one: Decorated, value: str) -> Decorated | None:
    return _entry(one, role=value) if value in ("system", "user", "assistant") else None


def _position(one: Decorated, value: str) -> Decorated | None:
    return _entry(one, position=_POSITIONS[value]) if value in _POSITIONS else None


_ACTS: Mapping[str, Callable[[Decorated, str], Decorated | None]] = {
    "activate": lambda one, _: replace(one, is_forced=True),
    "dont_activate": lambda one, _: replace(one, is_suppressed=True),
    "keep_activate_after_match": lambda one, _: replace(one, keeps=True),
    "dont_activate_after_match": lambda one, _: replace(one, fires_once=True),
    "activate_only_after": _numeric(lambda one, number: replace(one, only_after=number)),
    "activate_only_every": _numeric(lambda one, number: replace(one, only_every=number)),
    "depth": _numeric(lambda one, number: _entry(one, position=AT_DEPTH, depth=number)),
    "scan_depth": _numeric(lambda one, number: _entry(one, scan_depth=number)),
    "role": _role,
    "position": _position,
    "exclude_keys": lambda one, value: replace(one, excluded=strings(value)),
    "additional_keys": lambda one, value: _entry(
        one, secondary=strings(value), logic="and_any", has_logic=True
    ),
}
