"""The texts to scan for lore, and the settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from coblyn.story.lore.verdict import Timer

__all__ = ["LoreSettings", "Scene", "read_settings"]


@dataclass(frozen=True, slots=True)
class LoreSettings:
    """Lore settings, for entries without their own.

    Attributes:
        scan_depth: Number of messages to scan.
        budget_percent: Percentage of the context for all lore.
        budget_cap: Maximum number of tokens for it; 0 for no further limit.
        case_sensitive, whole_words: How keys are compared.
        recursive: Whether entries call others by their content.
        max_steps: Maximum number of passes; 0 for no limit.
        min_activations: Look further back until so many have fired; 0 not.
        max_depth: How far; 0 to the beginning.
        group_scoring: Of a group, those with the most matching keys are preferred.
        strategy: Which source gets room first.
    """

    scan_depth: int = 2
    budget_percent: float = 25.0
    budget_cap: int = 0
    case_sensitive: bool = False
    whole_words: bool = False
    recursive: bool = False
    max_steps: int = 0
    min_activations: int = 0
    max_depth: int = 0
    group_scoring: bool = False
    strategy: Literal["evenly", "character_first", "global_first"] = "character_first"


def read_settings(value: Mapping[str, Any]) -> LoreSettings:
    """Settings from the fields of the same names; what makes no sense counts as missing."""
    known: dict[str, Any] = {}
    for one in fields(LoreSettings):
        given, default = value.get(one.name), one.default
        if isinstance(default, bool) == isinstance(given, bool) and isinstance(
            given, type(default)
        ):
            known[one.name] = given
        elif isinstance(default, float) and type(given) is int:
            known[one.name] = float(given)
    if known.get("strategy") not in (None, "evenly", "character_first", "global_first"):
        del known["strategy"]
    return LoreSettings(**known)


@dataclass(frozen=True, slots=True)
class Scene:
    """What lore is looked for in.

    Attributes:
        messages: The newest first; in a story its paragraphs.
        sources: Further texts that entries may look at, by the names of `entry.MATCHED`.
        character, tags: Who speaks, and the tags of that card, for entries that are for some only.
        trigger: Why text is made: normal, continue, regenerate, …
        timers: What the last look left.
        seed: Decides what is left to chance: the same seed gives the same.
        context: Tokens of the whole context.
    """

    messages: Sequence[str] = field(repr=False)
    sources: Mapping[str, str] = field(default_factory=dict)
    character: str = ""
    tags: frozenset[str] = frozenset()
    trigger: str = "normal"
    timers: Mapping[str, Timer] = field(default_factory=dict)
    seed: int = 0
    context: int = 4096
