"""Converts lore entries between SillyTavern's format, which stories use, and the books of cards.

Unknown fields are preserved.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["entries_of_book", "entries_of_world", "entry_of_book", "entry_to_book", "id_of"]

_SAME = {
    "content": "content",
    "comment": "comment",
    "constant": "constant",
    "selective": "selective",
    "keys": "key",
    "secondary_keys": "keysecondary",
    "insertion_order": "order",
}
_EXTENSIONS = {
    "position": "position",
    "display_index": "displayIndex",
    "probability": "probability",
    "useProbability": "useProbability",
    "depth": "depth",
    "selectiveLogic": "selectiveLogic",
    "group": "group",
    "group_override": "groupOverride",
    "group_weight": "groupWeight",
    "exclude_recursion": "excludeRecursion",
    "prevent_recursion": "preventRecursion",
    "delay_until_recursion": "delayUntilRecursion",
    "scan_depth": "scanDepth",
    "match_whole_words": "matchWholeWords",
    "use_group_scoring": "useGroupScoring",
    "case_sensitive": "caseSensitive",
    "automation_id": "automationId",
    "role": "role",
    "vectorized": "vectorized",
    "sticky": "sticky",
    "cooldown": "cooldown",
    "delay": "delay",
    "triggers": "triggers",
    "ignore_budget": "ignoreBudget",
    "outlet_name": "outletName",
    "match_persona_description": "matchPersonaDescription",
    "match_character_description": "matchCharacterDescription",
    "match_character_personality": "matchCharacterPersonality",
    "match_character_depth_prompt": "matchCharacterDepthPrompt",
    "match_scenario": "matchScenario",
    "match_creator_notes": "matchCreatorNotes",
}
"""What the book keeps among an entry's extensions, with SillyTavern's name of it."""

_POSITIONS = {"before_char": 0, "after_char": 1}
_OWN = frozenset(
    {*_SAME, "enabled", "id", "position", "extensions", "use_regex", "case_sensitive", "name"}
)
_REST = "book_fields"
"""Fields of a book's entry that have no other place."""


def id_of(value: Any, index: int) -> str:
    """An id for an entry, of what the file calls it."""
    name = value if isinstance(value, str | int) and not isinstance(value, bool) else index
    safe = "".join(char if char.isalnum() or char in "_.:-" else "-" for char in str(name))
    return safe[:80] or str(index)


def _numbered(entries: Any) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    """Entries of a list, or of an object by id; what is not an object is skipped."""
    items = (
        entries.items()
        if isinstance(entries, Mapping)
        else enumerate(entries)
        if isinstance(entries, list)
        else ()
    )
    return ((key, value) for key, value in items if isinstance(value, Mapping))


def entries_of_world(world: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The entries of a SillyTavern world file, as they are, by id."""
    found: dict[str, dict[str, Any]] = {}
    for index, (key, value) in enumerate(_numbered(world.get("entries"))):
        name = id_of(value.get("uid", key), index)
        found[name if name not in found else f"{name}-{index}"] = dict(value)
    return found


def entries_of_book(book: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The entries of a card's book, in SillyTavern's form, by id."""
    found: dict[str, dict[str, Any]] = {}
    for index, (key, value) in enumerate(_numbered(book.get("entries"))):
        name = id_of(value.get("id", key), index)
        found[name if name not in found else f"{name}-{index}"] = entry_of_book(value)
    return found


def entry_of_book(value: Mapping[str, Any]) -> dict[str, Any]:
    """An entry of a card's book in SillyTavern's form."""
    given = value.get("extensions")
    extensions = dict(given) if isinstance(given, Mapping) else {}
    entry = {ours: value[theirs] for theirs, ours in _SAME.items() if theirs in value}
    entry["disable"] = not value.get("enabled", True)
    if value.get("id") is not None:
        entry["uid"] = value["id"]
    if value.get("name") and not entry.get("comment"):
        entry["comment"] = value["name"]
    if "position" in value:
        entry["position"] = _POSITIONS.get(value["position"], 0)
    if "use_regex" in value:
        entry["use_regex"] = value["use_regex"]
    if isinstance(value.get("case_sensitive"), bool):
        entry["caseSensitive"] = value["case_sensitive"]
    for theirs, ours in _EXTENSIONS.items():
        if theirs in extensions:
            entry[ours] = extensions.pop(theirs)
    rest = {name: value[name] for name in value if name not in _OWN}
    rest |= {"name": value["name"]} if "name" in value else {}
    rest |= {"extensions": extensions} if extensions else {}
    return entry | ({_REST: rest} if rest else {})


def entry_to_book(entry: Mapping[str, Any], name: str) -> dict[str, Any]:
    """An entry as a card's book has it.

    Args:
        entry: In SillyTavern's form.
        name: Its id in the story.
    """
    given = entry.get(_REST)
    rest = dict(given) if isinstance(given, Mapping) else {}
    kept = rest.pop("extensions", {})
    extensions = dict(kept) if isinstance(kept, Mapping) else {}
    extensions |= {theirs: entry[ours] for theirs, ours in _EXTENSIONS.items() if ours in entry}
    book: dict[str, Any] = {theirs: entry[ours] for theirs, ours in _SAME.items() if ours in entry}
    book |= {"enabled": not entry.get("disable", False), "id": entry.get("uid", name)}
    book["position"] = "after_char" if entry.get("position", 0) else "before_char"
    book["use_regex"] = entry.get("use_regex", True)
    if isinstance(entry.get("caseSensitive"), bool):
        book["case_sensitive"] = entry["caseSensitive"]
    for key, default in (("keys", []), ("content", ""), ("insertion_order", 100)):
        book.setdefault(key, default)
    return book | rest | {"extensions": extensions}
