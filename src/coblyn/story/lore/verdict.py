"""The verdicts: why entries fired or did not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from coblyn.story.lore.entry import Entry

__all__ = ["Fired", "FiredBy", "Lore", "Silent", "SilentBecause", "Timer"]

FiredBy = Literal["constant", "activated", "key", "sticky"]

SilentBecause = Literal[
    "disabled",
    "other_character",
    "other_trigger",
    "delay",
    "cooldown",
    "recursion_only",
    "suppressed",
    "no_key",
    "no_match",
    "secondary",
    "forbidden",
    "bad_pattern",
    "slow_pattern",
    "group",
    "roll",
    "budget",
]


@dataclass(frozen=True, slots=True)
class Fired:
    """An entry that enters the context.

    Attributes:
        entry: Which one.
        content: What enters: without the lines that are for this machinery only.
        by: What called it.
        key: The key that occurred, if one did.
        back: How many messages back that stands, 1 for the last; 0 if it stands elsewhere.
        caller: The entry whose content called it, if one did.
        level: Of recursion; 0 for the first look.
        roll: What was drawn of 1 to 100, if it has a probability.
        won: The group whose draw it won, or empty.
        left: For how many more messages it stays.
        tokens: Of its content.
    """

    entry: Entry
    content: str = field(repr=False)
    by: FiredBy
    key: str = ""
    back: int = 0
    caller: str = ""
    level: int = 0
    roll: int | None = None
    won: str = ""
    left: int = 0
    tokens: int = 0

    def to_json(self) -> dict[str, Any]:
        """As JSON for clients."""
        entry = self.entry
        place = {"position": entry.position, "depth": entry.depth, "role": entry.role}
        words = {"by": self.by, "key": self.key, "back": self.back, "caller": self.caller}
        numbers = {"level": self.level, "roll": self.roll, "probability": entry.probability}
        about = {"id": entry.id, "name": entry.name, "tokens": self.tokens, "order": entry.order}
        return about | place | words | numbers | {"won": self.won, "left": self.left}


@dataclass(frozen=True, slots=True)
class Silent:
    """An entry that does not enter the context.

    Attributes:
        entry: Which one.
        because: Why not.
        values: What belongs to that reason: the key that forbids it, what was rolled, who won its group, …
    """

    entry: Entry
    because: SilentBecause
    values: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As JSON for clients."""
        about = {"id": self.entry.id, "name": self.entry.name, "because": self.because}
        return about | self.values


@dataclass(frozen=True, slots=True)
class Timer:
    """When an entry with timed effects fired last.

    Attributes:
        at: The number of messages then.
        mark: A hash of the entry: one that was changed starts over.
    """

    at: int
    mark: str


@dataclass(frozen=True, slots=True)
class Lore:
    """What a look at the lore came to.

    Attributes:
        fired: In the order in which it stands in the context, slot by slot.
        silent: All other entries.
        timers: What the next look has to know, by entry.
        tokens, budget: Tokens that were used, and the most that could be.
    """

    fired: tuple[Fired, ...] = ()
    silent: tuple[Silent, ...] = ()
    timers: dict[str, Timer] = field(default_factory=dict)
    tokens: int = 0
    budget: int = 0

    def to_json(self) -> dict[str, Any]:
        """As JSON for clients."""
        return {
            "fired": [one.to_json() for one in self.fired],
            "silent": [one.to_json() for one in self.silent],
            "timers": {name: [timer.at, timer.mark] for name, timer in self.timers.items()},
            "tokens": self.tokens,
            "budget": self.budget,
        }
