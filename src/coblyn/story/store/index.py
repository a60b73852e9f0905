"""Full-text search over all stories. The index is updated on demand: writing costs nothing extra."""

from __future__ import annotations

import math
import sqlite3
import time
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from coblyn.errors import CoblynError, DiskFull
from coblyn.story.state import State
from coblyn.story.store.database import Database
from coblyn.story.store.journal import Journal
from coblyn.story.text import units

__all__ = ["Hit", "Hits", "Index"]

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


@dataclass(frozen=True, slots=True)
class Hits:
    """A part of what was found.

    Attributes:
        hits: What was asked for.
        num_hits: How many there are.
        num_unread: Changed stories that the index has not read yet; a later search knows more.
    """

    hits: list[Hit]
    num_hits: int
    num_unread: int = 0


Found = list[tuple[str, int]]
"""Stories, and passages of them, in the order of a list of stories."""


class Index:
    """Finds words in stories.

    Args:
        database: Where they are.
        journal: What reads them.
    """

    def __init__(self, database: Database, journal: Journal) -> None:
        self._database = database
        self._journal = journal
        self._last: tuple[Any, Found] = (None, [])

    def refresh(self, seconds: float = math.inf) -> int:
        """Follow the journal, those stories first that were changed last.

        A story that cannot be read keeps what the index had of it. Gives the number of stories that are left for later,
        where the time was too short or the disk is full.
        """
        end = time.monotonic() + seconds
        query = "SELECT id FROM stories WHERE indexed < version ORDER BY modified DESC, id"
        with self._database.reading() as connection:
            stories = [story for (story,) in connection.execute(query)]
        batch, num_left = _Batch(self._database), len(stories)
        for story in stories:
            num_left -= 1
            try:
                batch.add(story, *self._journal.state(story))
            except CoblynError:
                continue
            if time.monotonic() > end:
                break
        try:
            batch.write()
        except DiskFull:
            return len(stories)  # what the index knows is found still
        return num_left

    def search(
        self,
        query: str,
        limit: int = 50,
        offset: int = 0,
        *,
        is_trash: bool = False,
        one_each: bool = False,
        seconds: float = math.inf,
    ) -> Hits:
        """Passages that hold all words of a query, in the stories that were changed last first.

        Args:
            query: Words apart from each other; case does not matter.
            limit: Maximum number of hits; all if it is negative.
            offset: How many are left out at the beginning.
            is_trash: Whether to search the trash instead.
            one_each: Only the first passage of each story; that it is the title only where nothing else is found.
            seconds: For following the journal first (see `refresh`).
        """
        terms = query.replace("\0", " ").split()[:16]
        if not terms:
            return Hits([], 0)
        num_unread = self.refresh(seconds)
        with self._database.reading() as connection:
            found = self._found(connection, terms, is_trash=is_trash, one_each=one_each)
            part = found[offset:] if limit < 0 else found[offset : offset + limit]
            hits = [_hit(terms, connection.execute(_PASSAGE, (at,)).fetchone()) for _, at in part]
        return Hits(hits, len(found), num_unread)

    def _found(
        self, connection: sqlite3.Connection, terms: list[str], *, is_trash: bool, one_each: bool
    ) -> Found:
        """All passages with some words. The last answer is kept, for those who ask for it part by part."""
        (others,) = connection.execute("PRAGMA data_version").fetchone()
        key = (terms, is_trash, one_each, others, connection.total_changes)
        if self._last[0] != key:
            rows = connection.execute(*_query(terms, is_trash=is_trash, one_each=one_each))
            self._last = (key, rows.fetchall())
        return self._last[1]


class _Batch:
    """What changes in the passages of stories, written a little at a time, so that nobody who writes has to wait long.

    What two stories change is one transaction where it is little: each waits for the disk.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._gone: list[tuple[int]] = []
        self._moved: list[tuple[str, int, int]] = []
        self._new: list[tuple[str, str, int, str]] = []
        self._read: list[tuple[int, str]] = []

    def add(self, story: str, version: int, state: State) -> None:
        """Bring the index of a story to a version."""
        with self._database.reading() as connection:
            gone, moved, new = _differences(connection, story, _wanted(state))
        self._gone += gone
        self._moved += moved
        for passage in new:
            self._new.append((story, *passage))
            if len(self._new) >= _AT_ONCE:
                self.write()
        self._read.append((version, story))
        if len(self._gone) + len(self._moved) + len(self._read) >= _AT_ONCE:
            self.write()

    def write(self) -> None:
        """Write what there is. A story counts as read when all of it is written."""
        if not (self._gone or self._moved or self._new or self._read):
            return
        with self._database.writing() as connection:
            connection.executemany("DELETE FROM passages WHERE id = ?", self._gone)
            connection.executemany(
                "UPDATE passages SET place = ?, start = ? WHERE id = ?", self._moved
            )
            connection.executemany(
                "INSERT INTO passages (story, place, start, text) VALUES (?, ?, ?, ?)", self._new
            )
            connection.executemany("UPDATE stories SET indexed = ? WHERE id = ?", self._read)
        for each in (self._gone, self._moved, self._new, self._read):
            each.clear()


_PASSAGE = """
SELECT s.id, s.title, p.place, p.start, p.text FROM passages p JOIN stories s ON s.id = p.story WHERE p.id = ?
"""


def _query(terms: list[str], *, is_trash: bool, one_each: bool) -> tuple[str, list[Any]]:
    """Stories and passages with all words: ``(story, passage)``."""
    long = [term for term in terms if len(term) >= _SHORTEST]
    conditions, values = [], []
    if long:
        conditions.append("p.id IN (SELECT rowid FROM words WHERE words MATCH ?)")
        values.append(" AND ".join('"' + term.replace('"', '""') + '"' for term in long))
    for term in terms:
        if len(term) < _SHORTEST:
            conditions.append("p.text LIKE ? ESCAPE '!'")
            values.append(f"%{_escaped(term)}%")
    where, trashed = " AND ".join(conditions), "NOT NULL" if is_trash else "NULL"
    # Without the index of words, the passages of each story are read up to the first hit.
    if one_each and not long:
        return _WALK.format(where=where, trashed=trashed), values
    # With min() SQLite takes the other columns from the row that has the least.
    rank, group = (", min(p.place = 'title')", "GROUP BY p.story") if one_each else ("", "")
    return _FOUND.format(where=where, trashed=trashed, rank=rank, group=group), values


_WALK = """
SELECT s.id, (SELECT p.id FROM passages p WHERE p.story = s.id AND {where} ORDER BY p.place, p.id LIMIT 1) AS found
FROM stories s WHERE s.trashed IS {trashed} AND found NOT NULL ORDER BY s.modified DESC, s.id
"""
"""The first passage of each story; its title stands behind all other places that are searched."""

_FOUND = """
WITH found AS MATERIALIZED (SELECT p.story AS story, p.id AS passage{rank} FROM passages p WHERE {where} {group})
SELECT s.id, found.passage FROM found JOIN stories s ON s.id = found.story
WHERE s.trashed IS {trashed} ORDER BY s.modified DESC, s.id, found.passage
"""


def _escaped(term: str) -> str:
    for sign in "!%_":
        term = term.replace(sign, "!" + sign)
    return term


def _hit(terms: list[str], row: tuple[str, str, str, int, str]) -> Hit:
    story, title, place, start, text = row
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


def _differences(
    connection: sqlite3.Connection, story: str, wanted: dict[str, Spots]
) -> tuple[list[tuple[int]], list[tuple[str, int, int]], list[Passage]]:
    """Rows of a story that are gone, rows that have only moved, with their new places, and passages that are new."""
    query = "SELECT id, place, start, text FROM passages WHERE story = ?"
    gone, moved = list[tuple[int]](), list[tuple[str, int, int]]()
    for row, place, start, text in connection.execute(query, (story,)):
        spots = wanted.get(text)
        if not spots:
            gone.append((row,))
        elif (place, start) in spots:
            del spots[place, start]
        else:
            spot, _ = spots.popitem()
            moved.append((*spot, row))
    return gone, moved, [(*spot, text) for text, left in wanted.items() for spot in left]


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
