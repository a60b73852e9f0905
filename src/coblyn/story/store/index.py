"""Full-text search over all stories. The index is updated on demand: writing costs nothing extra."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from coblyn.errors import CoblynError
from coblyn.story.state import State
from coblyn.story.store.database import Database
from coblyn.story.store.journal import Journal
from coblyn.story.text import units

__all__ = ["Hit", "Index"]

PASSAGE = 2000
"""Characters after which a passage ends, about."""

_LINES = 8
"""Of so many lines one ends a passage, about."""

_AT_ONCE = 100
_AROUND = 60
_SHORTEST = 3
"""Characters that a trigram index can find; shorter words, such as those of Chinese, are looked for in the passages."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A place where words were found.

    Attributes:
        story, title: Whose it is.
        place: ``text/BRANCH``, ``lore/ID``, ``memory``, …
        start, end: Where in that, in UTF-16 units.
        excerpt: The words in their surroundings.
    """

    story: str
    title: str
    place: str
    start: int
    end: int
    excerpt: str

    def to_json(self) -> dict[str, Any]:
        """As clients get it."""
        return asdict(self)


class Index:
    """Finds words in stories.

    Args:
        database: Where they are.
        journal: What reads them.
    """

    def __init__(self, database: Database, journal: Journal) -> None:
        self._database = database
        self._journal = journal

    def refresh(self) -> None:
        """Follow the journal. A story that cannot be read keeps what the index had of it."""
        query = "SELECT id FROM stories WHERE indexed < version"
        with self._database.reading() as connection:
            stories = [story for (story,) in connection.execute(query)]
        for story in stories:
            try:
                version, state = self._journal.state(story)
            except CoblynError:
                continue
            self._follow(story, version, state)

    def _follow(self, story: str, version: int, state: State) -> None:
        """Bring the index of a story to a version, a little at a time, so that nobody who writes has to wait long."""
        wanted = _wanted(state)
        with self._database.writing() as connection:
            new = _without_what_stays(connection, story, wanted)
        for start in range(0, len(new), _AT_ONCE):
            with self._database.writing() as connection:
                connection.executemany(
                    "INSERT INTO passages (story, place, start, text) VALUES (?, ?, ?, ?)",
                    [(story, *passage) for passage in new[start : start + _AT_ONCE]],
                )
        with self._database.writing() as connection:
            connection.execute("UPDATE stories SET indexed = ? WHERE id = ?", (version, story))

    def search(self, query: str, limit: int = 50) -> list[Hit]:
        """Passages that hold all words of a query, in the stories that were changed last first.

        Args:
            query: Words apart from each other; case does not matter.
            limit: Maximum number of hits.
        """
        terms = query.replace("\0", " ").split()[:16]
        if not terms:
            return []
        self.refresh()
        with self._database.reading() as connection:
            rows = connection.execute(*_query(terms, limit))
            return [_hit(terms, *row) for row in rows]


def _query(terms: list[str], limit: int) -> tuple[str, list[Any]]:
    long = [term for term in terms if len(term) >= _SHORTEST]
    conditions, values = ["s.trashed IS NULL"], []
    if long:
        conditions.append("p.id IN (SELECT rowid FROM words WHERE words MATCH ?)")
        values.append(" AND ".join('"' + term.replace('"', '""') + '"' for term in long))
    for term in terms:
        if len(term) < _SHORTEST:
            conditions.append("p.text LIKE ? ESCAPE '!'")
            values.append(f"%{_escaped(term)}%")
    where = " AND ".join(conditions)
    columns = "SELECT s.id, s.title, p.place, p.start, p.text FROM passages p"
    text = f"{columns} JOIN stories s ON s.id = p.story WHERE {where} ORDER BY s.modified DESC, p.id LIMIT ?"
    return text, [*values, limit]


def _escaped(term: str) -> str:
    for sign in "!%_":
        term = term.replace(sign, "!" + sign)
    return term


def _hit(terms: list[str], story: str, title: str, place: str, start: int, text: str) -> Hit:
    found = max(text.lower().find(terms[0].lower()), 0)
    end = found + len(terms[0])
    low, high = max(found - _AROUND, 0), end + _AROUND
    excerpt = ("…" if low else "") + text[low:high] + ("…" if high < len(text) else "")
    at = start + units(text[:found])
    return Hit(story, title, place, at, at + units(text[found:end]), excerpt)


Spot = tuple[str, int]
"""A place, and where in it."""

Passage = tuple[str, int, str]
"""A place, where in it, and the text."""


Spots = dict[Spot, None]
"""Spots in their order. A text may stand in thousands, so they are looked up, not searched."""


def _wanted(state: State) -> dict[str, Spots]:
    """Where the passages of a story stand, by text."""
    wanted: dict[str, Spots] = {}
    for place, start, text in _passages(state):
        wanted.setdefault(text, {})[place, start] = None
    return wanted


def _without_what_stays(
    connection: sqlite3.Connection, story: str, wanted: dict[str, Spots]
) -> list[Passage]:
    """Passages that are new.

    Those that are gone are removed, and those that have only moved get their new places.
    """
    query = "SELECT id, place, start, text FROM passages WHERE story = ?"
    gone, moved = [], []
    for row, place, start, text in connection.execute(query, (story,)):
        spots = wanted.get(text)
        if not spots:
            gone.append((row,))
        elif (place, start) in spots:
            del spots[place, start]
        else:
            spot, _ = spots.popitem()
            moved.append((*spot, row))
    connection.executemany("DELETE FROM passages WHERE id = ?", gone)
    connection.executemany("UPDATE passages SET place = ?, start = ? WHERE id = ?", moved)
    return [(*spot, text) for text, left in wanted.items() for spot in left]


def _passages(state: State) -> Iterator[Passage]:
    """All passages of a story. Those that several branches share are those of the branch that is written on."""
    known: set[str] = set()
    branches = sorted(state.texts, key=lambda branch: branch != state.selected)
    for branch in branches:
        found = [
            one for one in _cut(f"text/{branch}", state.texts[branch].text) if one[2] not in known
        ]
        known.update(text for _, _, text in found)
        yield from found
    for place, value in state.places.items():
        if place.split("/")[0] not in ("settings", "pieces", "kept", "branch"):
            yield from _cut(place, "\n".join(_strings(value)))


def _cut(place: str, text: str) -> Iterator[Passage]:
    """Passages of a text. Which lines end one depends on the lines alone, so that an edit changes few passages."""
    start = at = 0
    while start < len(text):
        end = _passage_end(text, start)
        passage = text[start:end]
        yield place, at, passage
        at += units(passage)
        start = end


def _passage_end(text: str, start: int) -> int:
    end = start
    while end - start < PASSAGE and end < len(text):
        line = end
        end = text.find("\n", line) + 1 or len(text)
        if zlib.crc32(text[line:end].encode("utf-8", "surrogatepass")) % _LINES == 0:
            break
    return min(end, start + 2 * PASSAGE)


def _strings(value: Any) -> Iterator[str]:
    """All texts in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
