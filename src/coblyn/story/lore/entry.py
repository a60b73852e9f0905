"""A lore entry as a value, parsed from SillyTavern's format; unknown fields are ignored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = [
    "AFTER_CHARACTER",
    "AT_DEPTH",
    "BEFORE_CHARACTER",
    "Entry",
    "Logic",
    "Source",
    "read_entry",
    "strings",
]

Logic = Literal["and_any", "not_all", "not_any", "and_all"]
Source = Literal["chat", "persona", "character", "global"]

_LOGIC: tuple[Logic, ...] = ("and_any", "not_all", "not_any", "and_all")
_ROLES = ("system", "user", "assistant")

BEFORE_CHARACTER, AFTER_CHARACTER, AT_DEPTH = 0, 1, 4
OUTLET = 7
_TRIGGERS = frozenset({"normal", "continue", "impersonate", "regenerate", "swipe", "quiet"})

MATCHED = {
    "matchPersonaDescription": "persona",
    "matchCharacterDescription": "description",
    "matchCharacterPersonality": "personality",
    "matchCharacterDepthPrompt": "depth_prompt",
    "matchScenario": "scenario",
    "matchCreatorNotes": "creator_notes",
}
"""Additional texts that an entry may scan, by field name."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A lore entry: when its text enters the context, and where.

    Attributes:
        id: Its id in the story.
        source: Its source, which affects its priority.
        keys: Any of them triggers it.
        secondary: Secondary keys for ``logic``.
        forbidden: Any of them prevents it in any case.
        logic: and_any, and_all: with any or all of the secondary keys; not_any, not_all: with none of them, not with
            all.
        has_logic: Whether secondary keys are used.
        is_literal: Whether keys are plain text even if they look like ``/x/i``.
        content: Its text.
        order: A larger order gets room first and is placed closer to the end.
        position: 0 before and 1 after the character, 2 and 3 around the author's note, 4 at a depth, 5 and 6 around the
            examples, 7 in an outlet.
        depth, role: Number of messages from the end, and the role there.
        probability: Percentage; None for always.
        scan_depth: Number of messages to scan; None for the setting.
        sticky, cooldown, delay: In messages; 0 not.
        delay_until_recursion: Minimum recursion level at which it can be triggered; 0 for none.
        group_weight: Its weight in the draw of its inclusion groups.
        sources: Additional texts that it scans.
    """

    id: str
    source: Source = "chat"
    keys: tuple[str, ...] = ()
    secondary: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    logic: Logic = "and_any"
    has_logic: bool = True
    is_literal: bool = False
    content: str = field(default="", repr=False)
    comment: str = ""
    is_disabled: bool = False
    is_constant: bool = False
    order: int = 100
    position: int = BEFORE_CHARACTER
    depth: int = 4
    role: str = "system"
    outlet: str = ""
    probability: float | None = None
    scan_depth: int | None = None
    case_sensitive: bool | None = None
    whole_words: bool | None = None
    ignores_budget: bool = False
    exclude_recursion: bool = False
    prevent_recursion: bool = False
    delay_until_recursion: int = 0
    groups: tuple[str, ...] = ()
    group_override: bool = False
    group_weight: int = 100
    group_scoring: bool | None = None
    sticky: int = 0
    cooldown: int = 0
    delay: int = 0
    triggers: frozenset[str] = frozenset()
    filter_names: frozenset[str] = frozenset()
    filter_tags: frozenset[str] = frozenset()
    filter_excludes: bool = False
    sources: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Display name."""
        return self.comment or (self.keys[0] if self.keys else self.id)


def read_entry(name: str, value: Mapping[str, Any], source: Source = "chat") -> Entry:
    """Parse an entry from SillyTavern's fields; invalid values count as missing.

    Args:
        name: Its id in the story.
        value: The fields (``key``, ``keysecondary``, ``content``, …).
        source: Its source.
    """
    by = _Fields(value)
    chosen = by.mapping("characterFilter")
    return Entry(
        id=name,
        source=source,
        keys=strings(value.get("key")),
        secondary=strings(value.get("keysecondary")),
        forbidden=strings(value.get("keyanti")),
        logic=_LOGIC[by.number("selectiveLogic", 0, 0, 3)],
        has_logic=by.flag("selective", default=True),
        is_literal=value.get("use_regex") is False,
        content=by.text("content"),
        comment=by.text("comment"),
        is_disabled=by.flag("disable"),
        is_constant=by.flag("constant"),
        order=by.number("order", 100),
        position=by.number("position", BEFORE_CHARACTER, 0, OUTLET),
        depth=by.number("depth", 4, 0),
        role=_ROLES[by.number("role", 0, 0, 2)],
        outlet=by.text("outletName"),
        probability=by.share("probability") if by.flag("useProbability", default=True) else None,
        scan_depth=by.optional_number("scanDepth"),
        case_sensitive=by.choice("caseSensitive"),
        whole_words=by.choice("matchWholeWords"),
        ignores_budget=by.flag("ignoreBudget"),
        exclude_recursion=by.flag("excludeRecursion"),
        prevent_recursion=by.flag("preventRecursion"),
        delay_until_recursion=by.number("delayUntilRecursion", 0, 0),
        groups=tuple(part.strip() for part in by.text("group").split(",") if part.strip()),
        group_override=by.flag("groupOverride"),
        group_weight=by.number("groupWeight", 100, 0),
        group_scoring=by.choice("useGroupScoring"),
        sticky=by.number("sticky", 0, 0),
        cooldown=by.number("cooldown", 0, 0),
        delay=by.number("delay", 0, 0),
        triggers=frozenset(strings(value.get("triggers"))) & _TRIGGERS,
        filter_names=frozenset(strings(chosen.get("names"))),
        filter_tags=frozenset(strings(chosen.get("tags"))),
        filter_excludes=bool(chosen.get("isExclude")),
        sources=tuple(place for name, place in MATCHED.items() if by.flag(name)),
    )


def strings(value: Any) -> tuple[str, ...]:
    """The texts of a list, without empty ones; a text alone is a list separated by commas."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple):
        return ()
    return tuple(part.strip() for part in parts if isinstance(part, str) and part.strip())


class _Fields:
    """Reads fields of other programs; values of a wrong type count as missing."""

    def __init__(self, value: Mapping[str, Any]) -> None:
        self._value = value

    def text(self, name: str) -> str:
        value = self._value.get(name)
        return value if isinstance(value, str) else ""

    def mapping(self, name: str) -> Mapping[str, Any]:
        value = self._value.get(name)
        return value if isinstance(value, Mapping) else {}

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self._value.get(name)
        return default if value is None else bool(value)

    def choice(self, name: str) -> bool | None:
        value = self._value.get(name)
        return value if isinstance(value, bool) else None

    def optional_number(self, name: str) -> int | None:
        value = self._value.get(name)
        if isinstance(value, int | float) and abs(value) < 1e9:  # true is 1, as in old files
            return int(value)
        return None

    def number(
        self, name: str, default: int, low: int | None = None, high: int | None = None
    ) -> int:
        value = self.optional_number(name)
        if (
            value is None
            or (low is not None and value < low)
            or (high is not None and value > high)
        ):
            return default
        return value

    def share(self, name: str) -> float | None:
        value = self._value.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            return None
        return float(value)
