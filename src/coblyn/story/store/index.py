"""Full-text search over all stories. The index follows the journal when somebody asks: writing pays nothing for it."""

from __future__ import annotations

import sqlite3
from collections import Counter
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
"""Characters of a passage, about: it ends with a line where there is one."""

_PREVIEW = 160
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
    """What finds words in stories.

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
            with self._database.writing() as connection:
                _replace(connection, story, version, state)

    def search(self, query: str, limit: int = 50) -> list[Hit]:
        """Passages that hold all words of a query, in the stories that were changed last first.

        Args:
            query: Words apart from each other; case does not matter.
            limit: The most hits.
        """
        terms = query.split()[:16]
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


def _replace(connection: sqlite3.Connection, story: str, version: int, state: State) -> None:
    """Put what is new into the index and take out what is gone; passages that did not change stay."""
    wanted = Counter(_passages(state))
    rows = connection.execute(
        "SELECT id, place, start, text FROM passages WHERE story = ?", (story,)
    )
    for row, *passage in rows.fetchall():
        key = tuple(passage)
        if wanted[key]:
            wanted[key] -= 1
        else:
            connection.execute("DELETE FROM passages WHERE id = ?", (row,))
    connection.executemany(
        "INSERT INTO passages (story, place, start, text) VALUES (?, ?, ?, ?)",
        [(story, *passage) for passage in wanted.elements()],
    )
    text = state.texts[state.selected].text
    connection.execute(
        "UPDATE stories SET indexed = ?, words = ?, preview = ? WHERE id = ?",
        (version, len(text.split()), " ".join(text[: 2 * _PREVIEW].split())[:_PREVIEW], story),
    )


def _passages(state: State) -> Iterator[tuple[str, int, str]]:
    for branch, text in state.texts.items():
        yield from _cut(f"text/{branch}", text.text)
    for place, value in state.places.items():
        if place.split("/")[0] not in ("settings", "pieces", "kept", "branch"):
            yield from _cut(place, "\n".join(_strings(value)))


def _cut(place: str, text: str) -> Iterator[tuple[str, int, str]]:
    start = at = 0
    while start < len(text):
        end = text.rfind("\n", start, start + PASSAGE) + 1
        end = end if end > start else min(start + PASSAGE, len(text))
        passage = text[start:end]
        yield place, at, passage
        at += units(passage)
        start = end


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
