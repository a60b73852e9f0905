"""The lore entries of a story, each with its source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from coblyn.story.cards.card import Card
from coblyn.story.lore.entry import Entry, Source, read_entry
from coblyn.story.lore.scene import LoreSettings, read_settings
from coblyn.story.lore.verdict import Timer
from coblyn.story.state import State
from coblyn.story.turns import speakers_of

__all__ = ["EntryReader", "entries_of", "lore_settings_of", "read_timers", "sources_of"]

PARAGRAPHS = 12
"""How many paragraphs of a text without turns are searched for keys."""

_SOURCES: frozenset[Source] = frozenset(("chat", "persona", "character", "global"))


class EntryReader:
    """Reads the entries of one story after the other; of those of the last one only what has changed."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Mapping[str, Any], Entry]] = {}

    def read(self, name: str, value: Mapping[str, Any], source: Source) -> Entry:
        """One entry."""
        known = self._known.get(name)
        if known and known[0] is value and known[1].source == source:
            return known[1]
        return read_entry(name, value, source)

    def entries(self, state: State) -> list[Entry]:
        """All entries of a story, as `entries_of` reads them."""
        entries = entries_of(state, self.read)
        values = state.collection("lore")
        self._known = {entry.id: (values[entry.id], entry) for entry in entries}
        return entries


def entries_of(
    state: State, read: Callable[[str, Mapping[str, Any], Source], Entry] = read_entry
) -> list[Entry]:
    """The entries of a story.

    An entry that names a ``book`` has that book's ``source``; others belong to the story.
    """
    books = state.collection("books")
    entries = []
    for name, value in state.collection("lore").items():
        book = value.get("book")
        about = books.get(book, {}) if isinstance(book, str) else {}
        if about.get("is_absent"):
            continue
        source = about.get("source", "chat")
        entries.append(read(name, value, source if source in _SOURCES else "chat"))
    return entries


def lore_settings_of(state: State) -> LoreSettings:
    """The story's lore settings, from the setting ``lore``; what that does not say is as for chats in SillyTavern.

    A text without turns is searched further back: its messages are paragraphs, of which many make one turn of a chat.
    """
    value = state.places.get("settings/lore")
    value = value if isinstance(value, Mapping) else {}
    own = {} if speakers_of(state).has_turns else {"scan_depth": PARAGRAPHS}
    return read_settings({**own, **value})


def read_timers(value: Any) -> dict[str, Timer]:
    """Timers as they were given out: ``{id: [at, mark]}``; invalid ones are left out."""
    timers = {}
    for name, pair in value.items() if isinstance(value, Mapping) else ():
        match pair:
            case [int(at), str(mark)]:
                timers[name] = Timer(at, mark)
    return timers


def sources_of(state: State, cards: Mapping[str, Card]) -> dict[str, str]:
    """The additional texts that entries may scan, by the names of `lore.entry.MATCHED`."""
    sources = {
        name: "\n".join(card.text(name) for card in cards.values())
        for name in ("description", "personality", "scenario", "creator_notes")
    }
    personas = state.collection("personas").values()
    sources["persona"] = "\n".join(str(value.get("description", "")) for value in personas)
    return sources
