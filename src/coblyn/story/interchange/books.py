"""Cards, and files that hold lore only: SillyTavern's worlds, books of cards, and those of other programs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from coblyn.errors import BadRequest
from coblyn.story.cards.card import read_card
from coblyn.story.interchange.report import Imported, Writer
from coblyn.story.lore.convert import entries_of_book, entries_of_world, entry_to_book
from coblyn.story.lore.entry import strings
from coblyn.story.phrases import phrase
from coblyn.story.state import State

__all__ = [
    "add_book",
    "aidungeon_json",
    "card_json",
    "import_agnai",
    "import_aidungeon",
    "import_lorebook",
    "import_world",
    "is_aidungeon",
    "world_json",
]


def digest_of(value: object) -> str:
    """A short name that is the same for the same content."""
    return hashlib.blake2b(repr(value).encode("utf-8", "replace"), digest_size=4).hexdigest()


def add_book(writer: Writer, book: Mapping[str, Any], name: str, about: Mapping[str, Any]) -> None:
    """A book of a card."""
    book_id = digest_of(book)
    fields = {key: value for key, value in book.items() if key != "entries"}
    title = book.get("name") if isinstance(book.get("name"), str) else ""
    writer.put(f"books/{book_id}", {"name": title or name, "fields": fields, **about})
    writer.lore(entries_of_book(book), f"{book_id}.", book_id)


def import_world(world: Mapping[str, Any], name: str) -> Imported:
    """A world file of SillyTavern."""
    writer = Writer("format_world")
    book_id = digest_of(world)
    fields = {key: value for key, value in world.items() if key != "entries"}
    title = world.get("name") if isinstance(world.get("name"), str) else ""
    writer.put(f"books/{book_id}", {"name": title or name, "fields": fields, "source": "global"})
    entries = entries_of_world(world)
    writer.lore(entries, f"{book_id}.", book_id)
    if fields:
        writer.kept(phrase("given", text=", ".join(fields)), "book_fields")
    given = world.get("entries")
    num = len(given) if isinstance(given, list | dict) else 0
    if num > len(entries):
        writer.dropped(phrase("num_entries", n=num - len(entries)), "num_entries_note")
    return writer.done()


def import_lorebook(value: Mapping[str, Any], name: str) -> Imported:
    """A book of version 3 that stands alone (``lorebook_v3``), or one that was taken out of a card."""
    inner = value.get("data")
    book = inner if isinstance(inner, Mapping) else value
    writer = Writer("format_lorebook")
    add_book(writer, book, name, {"source": "global"})
    return writer.done()


def import_agnai(value: Mapping[str, Any], name: str) -> Imported:
    """A memory book of Agnaistic: ``{kind: "memory", entries: [{keywords, entry}]}``."""
    found = (one for one in _objects(value.get("entries")))
    entries = [
        {
            "key": list(strings(one.get("keywords"))),
            "content": one.get("entry", ""),
            "comment": one.get("name", ""),
            "disable": one.get("enabled") is False,
            "order": one.get("weight", 100),
        }
        for one in found
    ]
    return _plain_book("format_agnai", name, entries)


def import_aidungeon(value: list[Any], name: str) -> Imported:
    """World info of AI Dungeon: ``[{keys: "a,b", value}]``; what else an entry has stays with it."""
    entries = [
        {
            "key": list(strings(one.get("keys"))),
            "content": one.get("value", one.get("entry", "")),
            "comment": one.get("title", ""),
            "aidungeon": {
                key: item
                for key, item in one.items()
                if key not in ("keys", "value", "entry", "title")
            },
        }
        for one in _objects(value)
    ]
    return _plain_book("format_aidungeon", name, entries)


def aidungeon_json(state: State) -> list[dict[str, Any]]:
    """The lore of a story as world info of AI Dungeon, without what is switched off."""
    entries = (one for one in state.collection("lore").values() if not one.get("disable"))
    return [
        {
            **(kept if isinstance(kept := one.get("aidungeon"), dict) else {}),
            "keys": ",".join(strings(one.get("key"))),
            "value": one.get("content", ""),
            **({"title": one["comment"]} if one.get("comment") else {}),
        }
        for one in entries
    ]


def is_aidungeon(value: Any) -> bool:
    """Whether a JSON value is such a list."""
    first = value[0] if isinstance(value, list) and value else None
    return isinstance(first, dict) and "keys" in first and ("value" in first or "entry" in first)


def world_json(state: State, book: str | None = None) -> dict[str, Any]:
    """The lore of a story, or of one of its books, as a world file of SillyTavern."""
    books = state.collection("books")
    about = books.get(book, {}) if book else {}
    fields = about.get("fields")
    entries: dict[str, Any] = {}
    for name, value in state.collection("lore").items():
        if book is None or value.get("book") == book:
            uid = value.get("uid", name)
            key = str(uid) if str(uid) not in entries else name
            entries[key] = {"uid": uid} | {k: v for k, v in value.items() if k != "book"}
    return {"entries": entries, **(fields if isinstance(fields, dict) else {})}


def card_json(state: State, character: str) -> dict[str, Any]:
    """The card of a character as it came, with the lore that it has now.

    Raises:
        BadRequest: There is no such character.
    """
    value = state.collection("characters").get(character)
    if value is None:
        raise BadRequest(f"This story has no character {character!r}.", field="character")
    raw = dict(value.get("card", value))
    inner = raw.get("data")
    data = dict(inner) if isinstance(inner, dict) else dict(raw)
    for name, about in state.collection("books").items():
        if about.get("character") == character:
            fields = about.get("fields")
            data["character_book"] = (fields if isinstance(fields, dict) else {}) | {
                "entries": _book_entries(state, name)
            }
    read_card(raw)
    return raw | {"data": data} if isinstance(inner, dict) else data


def _book_entries(state: State, book: str) -> list[dict[str, Any]]:
    start = f"{book}."
    return [
        entry_to_book(value, name.removeprefix(start))
        for name, value in state.collection("lore").items()
        if value.get("book") == book
    ]


def _plain_book(kind: str, name: str, entries: list[dict[str, Any]]) -> Imported:
    writer = Writer(kind)
    book_id = digest_of(entries)
    writer.put(f"books/{book_id}", {"name": name, "source": "global"})
    writer.lore({str(n): entry for n, entry in enumerate(entries)}, f"{book_id}.", book_id)
    return writer.done()


def _objects(value: Any) -> Iterable[Mapping[str, Any]]:
    return (one for one in value if isinstance(one, Mapping)) if isinstance(value, list) else ()
