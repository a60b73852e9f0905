"""A character card as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from coblyn.story.phrases import Phrase, phrase, refused

__all__ = ["Card", "card_of", "read_card"]

_TEXTS = (
    "description",
    "personality",
    "scenario",
    "first_mes",
    "mes_example",
    "creator_notes",
    "system_prompt",
    "post_history_instructions",
    "creator",
    "character_version",
    "nickname",
)
_OLD = {
    "char_name": "name",
    "char_persona": "description",
    "world_scenario": "scenario",
    "example_dialogue": "mes_example",
    "char_greeting": "first_mes",
    "creatorcomment": "creator_notes",
}
"""Field names of older programs, with their current names."""


@dataclass(frozen=True, slots=True)
class Card:
    """A character.

    Attributes:
        name: Its name; never empty.
        version: 1, 2 or 3.
        texts: The text fields present (``description``, ``scenario``, ``first_mes``, …).
        greetings: The first message and its alternatives.
        group_greetings: Additional greetings for group chats.
        tags: Its tags.
        book: Its lore book in the card's format; None if there is none.
        notes: Problems found in it, as sentences.
    """

    name: str
    version: int
    texts: Mapping[str, str] = field(default_factory=dict, repr=False)
    greetings: tuple[str, ...] = field(default=(), repr=False)
    group_greetings: tuple[str, ...] = field(default=(), repr=False)
    tags: tuple[str, ...] = ()
    book: Mapping[str, Any] | None = field(default=None, repr=False)
    notes: tuple[Phrase, ...] = ()

    @property
    def called(self) -> str:
        """The replacement of ``{{char}}``."""
        return self.texts.get("nickname") or self.name

    def text(self, name: str) -> str:
        """A text field; empty if missing."""
        return self.texts.get(name, "")


def read_card(value: Any, called: str = "") -> Card:
    """Parse a card from JSON, leniently.

    Args:
        value: ``{"spec", "data"}``, or the flat fields of version 1 and of older programs.
        called: Used for a card without a name.

    Raises:
        FileRefused: It has no fields of a card.
    """
    if not isinstance(value, Mapping):
        raise refused("card_no_object")
    notes: list[Phrase] = []
    version, fields = _fields(value, notes)
    fields = {
        _OLD.get(name, name): content
        for name, content in fields.items()
        if content or name not in _OLD
    }
    if not any(isinstance(fields.get(name), str) for name in ("name", *_TEXTS)):
        raise refused("card_no_fields")
    name = fields.get("name")
    if not isinstance(name, str) or not name.strip():
        name = called.strip() or "Unnamed"
        notes.append(phrase("card_nameless", name=name))
    return Card(
        name.strip(),
        version,
        _texts(fields, notes),
        tuple(
            text
            for text in (fields.get("first_mes"), *_list(fields, "alternate_greetings"))
            if isinstance(text, str) and text
        ),
        tuple(text for text in _list(fields, "group_only_greetings") if isinstance(text, str)),
        tuple(tag for tag in _list(fields, "tags") if isinstance(tag, str)),
        _book(fields, notes),
        tuple(notes),
    )


def card_of(character: Mapping[str, Any]) -> Card:
    """The card of a story's character: ``{"card", "name"}``, the latter for a card without one, or the card's fields.

    Raises:
        FileRefused: It has no fields of a card.
    """
    name = character.get("name")
    return read_card(character.get("card", character), name if isinstance(name, str) else "")


def _fields(value: Mapping[str, Any], notes: list[Phrase]) -> tuple[int, Mapping[str, Any]]:
    """The version of a card and its fields."""
    data, spec = value.get("data"), value.get("spec")
    if not isinstance(data, Mapping):
        if spec is not None:
            notes.append(phrase("card_no_data"))
        return 1, value
    if spec not in ("chara_card_v2", "chara_card_v3"):
        notes.append(phrase("card_no_version"))
    number = _number(value.get("spec_version"))
    if number is not None and number >= 4:
        notes.append(phrase("card_newer", version=f"{number:g}"))
    return (3 if spec == "chara_card_v3" else 2), data


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _texts(fields: Mapping[str, Any], notes: list[Phrase]) -> dict[str, str]:
    texts = {}
    for name in _TEXTS:
        value = fields.get(name)
        if isinstance(value, str):
            texts[name] = value
        elif value is not None:
            notes.append(phrase("card_not_text", name=name))
    return texts


def _list(fields: Mapping[str, Any], name: str) -> list[Any]:
    value = fields.get(name)
    return value if isinstance(value, list) else []


def _book(fields: Mapping[str, Any], notes: list[Phrase]) -> Mapping[str, Any] | None:
    book = fields.get("character_book")
    if isinstance(book, Mapping):
        return book
    if book is not None:
        notes.append(phrase("card_no_book"))
    return None
