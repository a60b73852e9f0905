"""The library of stories: creating, listing, trashing and restoring them."""

from __future__ import annotations

import contextlib
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from coblyn.errors import CoblynError, DiskFull
from coblyn.story.changes import Change
from coblyn.story.operation import Branch, Edit, Operation, Put, Select, require_id
from coblyn.story.record import Proposed
from coblyn.story.state import MAIN, State
from coblyn.story.store.database import Database
from coblyn.story.store.journal import Journal, StoryNotFound
from coblyn.story.words import num_words

__all__ = ["Library", "Listed", "Shelf", "new_id", "operations_of"]

_IMPORTER = "coblyn"
_PREVIEW = 160
_AT_ONCE = 50
"""Stories that one transaction changes: others who write wait for it."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """What a list tells of a story.

    Attributes:
        id: Its id.
        title: Its title; may be empty.
        mode: ``story``, ``adventure``, ``chat``, ``instruct`` or ``assistant``.
        created, modified: Seconds since 1970.
        version: Of the journal.
        trashed: When it was put into the trash; None if it was not.
        words: Words of the branch that is written on, as of the last look.
        preview: How that begins.
    """

    id: str
    title: str
    mode: str
    created: float
    modified: float
    version: int
    trashed: float | None
    words: int
    preview: str

    def to_json(self) -> dict[str, Any]:
        """As clients get it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Listed:
    """A part of a list.

    Attributes:
        stories: What was asked for.
        num_stories: How many the whole list has.
    """

    stories: list[Shelf]
    num_stories: int


_COLUMNS = "id, title, mode, created, modified, version, trashed, words, preview"


class Library:
    """All stories of a file.

    Args:
        database: Where they are.
        journal: What writes them.
        clock: Seconds since 1970.
    """

    def __init__(
        self, database: Database, journal: Journal, clock: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._journal = journal
        self._clock = clock

    def listed(
        self, *, is_trash: bool = False, title: str = "", limit: int = -1, offset: int = 0
    ) -> Listed:
        """The stories, or those in the trash, the one that was changed last first.

        Args:
            is_trash: Which of the two.
            title: Only stories with this in their title; case does not matter.
            limit: Maximum number of stories; all if it is negative.
            offset: How many are left out at the beginning.
        """
        condition = f"trashed IS {'NOT NULL' if is_trash else 'NULL'}"
        values = [title.casefold()] if title else []
        if title:
            condition += " AND instr(folded(title), ?)"
        with self._database.reading() as connection:
            found = connection.execute(
                f"SELECT id FROM stories WHERE {condition} ORDER BY modified DESC, id LIMIT ? OFFSET ?",  # noqa: S608
                (*values, limit, offset),
            )
            stories = [story for (story,) in found]
            count = f"SELECT count(*) FROM stories WHERE {condition}"  # noqa: S608
            (num_stories,) = connection.execute(count, values).fetchone()
        shelves: list[Shelf] = []
        for start in range(0, len(stories), _AT_ONCE):
            shelves += self.shelves(stories[start : start + _AT_ONCE])
        return Listed(shelves, num_stories)

    def shelves(self, stories: Sequence[str]) -> list[Shelf]:
        """Some stories, in their order; those that are gone are left out."""
        self._summarize(stories)
        query = f"SELECT {_COLUMNS} FROM stories WHERE id = ?"  # noqa: S608
        with self._database.reading() as connection:
            rows = [connection.execute(query, (story,)).fetchone() for story in stories]
        return [Shelf(*row) for row in rows if row is not None]

    def _summarize(self, stories: Iterable[str]) -> None:
        """Say of stories how they begin and how long they are, where they were changed."""
        query = "SELECT 1 FROM stories WHERE id = ? AND summarized < version"
        with self._database.reading() as connection:
            changed = [one for one in stories if connection.execute(query, (one,)).fetchone()]
        summaries = []
        for story in changed:
            try:
                version, state = self._journal.state(story)
            except CoblynError:
                continue  # what was known of it stays
            text = state.texts[state.selected].text
            preview = " ".join(text[: 2 * _PREVIEW].split())[:_PREVIEW]
            summaries.append((version, num_words(text), preview, story))
        if not summaries:
            return
        # On a full disk stories are read on, with the summaries that they had.
        with contextlib.suppress(DiskFull), self._database.writing() as connection:
            connection.executemany(
                "UPDATE stories SET summarized = ?, words = ?, preview = ? WHERE id = ?",
                summaries,
            )

    def get(self, story: str) -> Shelf:
        """One story.

        Raises:
            StoryNotFound: There is none.
        """
        self._summarize([story])
        with self._database.reading() as connection:
            return _shelf(connection, story)

    def create(self, operations: Sequence[Operation] = (), story: str = "") -> Shelf:
        """A new story to which some operations happened at once.

        Args:
            operations: What it begins with.
            story: Its id; one that is there already is left as it is. Empty for a new one.

        Raises:
            BadRequest: The id is not an id, or an operation cannot be done.
        """
        story = require_id(story, "id") if story else new_id()
        now = self._clock()
        with self._database.writing() as connection:
            added = connection.execute(
                "INSERT OR IGNORE INTO stories (id, title, mode, created, modified, version)"
                " VALUES (?, '', '', ?, ?, 0)",
                (story, now, now),
            ).rowcount
        if added and operations:
            try:
                self._fill(story, operations)
            except BaseException:
                self.delete([story])
                raise
        return self.get(story)

    def _fill(self, story: str, operations: Sequence[Operation]) -> None:
        unit = f"import:{story}"
        for start in range(0, len(operations), 1000):
            batch = operations[start : start + 1000]
            proposed = [
                Proposed(f"{unit}:{start + index}", unit, operation)
                for index, operation in enumerate(batch)
            ]
            self._journal.append(story, self._journal.version(story), _IMPORTER, proposed)

    def trash(self, story: str, *, is_out: bool = False) -> Shelf:
        """Move a story to the trash, or out of it."""
        with self._database.writing() as connection:
            _shelf(connection, story)
            when = None if is_out else self._clock()
            connection.execute("UPDATE stories SET trashed = ? WHERE id = ?", (when, story))
            return _shelf(connection, story)

    def delete(self, stories: Sequence[str]) -> None:
        """Delete stories permanently."""
        for story in stories:
            self._journal.forget(story)
        rows = [(story,) for story in stories]
        with self._database.writing() as connection:
            connection.executemany("DELETE FROM passages WHERE story = ?", rows)
            connection.executemany("DELETE FROM stories WHERE id = ?", rows)

    def empty_trash(self) -> int:
        """Delete the stories in the trash permanently. Gives their number."""
        query = "SELECT id FROM stories WHERE trashed IS NOT NULL"
        with self._database.reading() as connection:
            trashed = [story for (story,) in connection.execute(query)]
        for start in range(0, len(trashed), _AT_ONCE):
            self.delete(trashed[start : start + _AT_ONCE])
        return len(trashed)

    def copy(self, story: str, version: int | None = None) -> Shelf:
        """A new story that begins with the state of another at some version.

        Raises:
            StoryNotFound: There is no such story or version.
            StoryDamaged: That version cannot be read.
        """
        _, state = self._journal.state(story, version)
        return self.create(operations_of(state))


def new_id() -> str:
    """An id that no other story has."""
    return secrets.token_hex(8)


def operations_of(state: State) -> list[Operation]:
    """What has to happen to a new story for it to be in a state."""
    operations: list[Operation] = []
    for branch, text in state.texts.items():
        if branch == MAIN:
            operations.append(Edit(MAIN, (Change(0, 0, text),)))
        else:
            operations.append(Branch(branch, MAIN, 0, text))
    operations += [Put(place, value) for place, value in state.places.items()]
    return [*operations, Select(state.selected)]


def _shelf(connection: sqlite3.Connection, story: str) -> Shelf:
    query = f"SELECT {_COLUMNS} FROM stories WHERE id = ?"  # noqa: S608
    if (row := connection.execute(query, (story,)).fetchone()) is None:
        raise StoryNotFound(story)
    return Shelf(*row)
