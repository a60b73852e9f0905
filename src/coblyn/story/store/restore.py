"""Stories from a copy of a whole journal, as `Database.backup` writes it; it may be damaged, or made to do harm."""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coblyn.errors import BadRequest
from coblyn.story.operation import require_id
from coblyn.story.phrases import refused
from coblyn.story.store.database import VERSION, Database
from coblyn.story.store.library import Library, Shelf, new_id
from coblyn.story.store.rows import StoryDamaged, records_between
from coblyn.story.store.transfer import StoryFile, insert_story, proven

__all__ = ["Found", "Restored", "Restorer", "is_backup"]

_STEPS, _MAX_LOOKS = 100_000, 20_000
"""Of SQLite's machine between two looks, and how many looks there may be: a made-up view could go on forever.

Together that is half a minute of a slow machine; a row takes some ten steps.
"""


_TABLES = """
SELECT count(*), sum((SELECT count(*) FROM pragma_table_xinfo(sqlite_master.name) WHERE hidden)) FROM sqlite_master
WHERE type = 'table' AND rootpage AND name IN ('stories', 'operations')
"""
"""How many are tables of their own, and their generated columns: one of these can make a gigabyte of nothing."""


@dataclass(frozen=True, slots=True)
class Found:
    """A story of a backup.

    Attributes:
        id: Its id there.
        title: What it is called there.
        is_trashed: Whether it was in the trash.
        file: Its journal; None where that is damaged.
        is_here: Whether the journal here has all of it already.
    """

    id: str
    title: str
    is_trashed: bool
    file: StoryFile | None
    is_here: bool


@dataclass(frozen=True, slots=True)
class Restored:
    """What became of a backup.

    Attributes:
        stories: Those that came back.
        num_here: How many were here already, and were left as they are.
        damaged: Titles of those whose journal cannot be read.
    """

    stories: tuple[Shelf, ...]
    num_here: int
    damaged: tuple[str, ...]


class Restorer:
    """Brings back stories from backups.

    Args:
        database: Where they go.
        library: What lists them.
    """

    def __init__(self, database: Database, library: Library) -> None:
        self._database = database
        self._library = library

    def restore(self, data: bytes) -> Restored:
        """Bring back every story that is not here, or that is here in another version: that one stays beside it.

        Raises:
            BadRequest: It is no backup, of a newer version, or damaged as a whole.
        """
        shelves: list[Shelf] = []
        num_here, damaged = 0, list[str]()
        for found in self.look(data):
            if found.file is None:
                damaged.append(found.title or found.id)
            elif found.is_here:
                num_here += 1
            else:
                shelves.append(self._bring(found, found.file))
        return Restored(tuple(shelves), num_here, tuple(damaged))

    def look(self, data: bytes) -> Iterator[Found]:
        """The stories of a backup, one after the other; nothing is brought back.

        Raises:
            BadRequest: As `restore`.
        """
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "backup.sqlite"
            path.write_bytes(data)
            with _told(), contextlib.closing(_opened(path)) as backup:
                query = (
                    "SELECT id, title, created, modified, trashed FROM stories ORDER BY modified"
                )
                for row in backup.execute(query).fetchall():
                    yield self._found(backup, row)

    def _found(self, backup: sqlite3.Connection, row: tuple[Any, ...]) -> Found:
        story, title, created, modified, trashed = row
        try:
            require_id(story, "id")
            told = (record.to_json() for record in records_between(backup, story, 0, 2**62))
            records, state = proven(told)
        except (StoryDamaged, BadRequest, TypeError):
            return Found(str(story), str(title), trashed is not None, None, is_here=False)
        file = StoryFile({"created": created, "modified": modified}, records, state)
        return Found(story, str(title), trashed is not None, file, self._is_here(story, file))

    def _is_here(self, story: str, file: StoryFile) -> bool:
        """Whether the journal here goes through the last record of a file."""
        last = file.records[-1].id if file.records else None
        with self._database.reading() as connection:
            known = connection.execute(
                "SELECT id FROM operations WHERE story = ? AND version = ?",
                (story, len(file.records)),
            ).fetchone()
            is_listed = connection.execute("SELECT 1 FROM stories WHERE id = ?", (story,))
            return known == (last,) if last else is_listed.fetchone() is not None

    def _bring(self, found: Found, file: StoryFile) -> Shelf:
        with self._database.writing() as connection:
            taken = connection.execute("SELECT 1 FROM stories WHERE id = ?", (found.id,))
            story = new_id() if taken.fetchone() else found.id
            insert_story(connection, story, file)
        return self._library.trash(story) if found.is_trashed else self._library.get(story)


def is_backup(data: bytes) -> bool:
    """Whether a file looks like a backup."""
    return data.startswith(b"SQLite format 3\0")


def _opened(path: Path) -> sqlite3.Connection:
    """A backup, to be read only; nothing that its schema says is run."""
    connection = sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)
    connection.execute("PRAGMA trusted_schema = OFF")
    looks = itertools.count()
    connection.set_progress_handler(lambda: next(looks) > _MAX_LOOKS, _STEPS)
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    is_ours = connection.execute(_TABLES).fetchone() == (2, 0) and version > 0
    if version <= VERSION and is_ours:
        return connection
    connection.close()
    if is_ours:
        raise refused("newer_backup")
    raise refused("no_backup")


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise refused("backup_damaged", problem=str(error)) from error
