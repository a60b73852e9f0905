"""The database of all stories, which is validated when opened and never replaced."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from coblyn.errors import Busy, CoblynError, DiskFull

__all__ = ["Database", "StoriesUnreadable"]

VERSION = 3
"""Of the schema, in the file's ``user_version``."""

_BUSY_SECONDS = 10.0

_SCHEMA = """
CREATE TABLE stories (
    id TEXT PRIMARY KEY, title TEXT NOT NULL, mode TEXT NOT NULL, created REAL NOT NULL, modified REAL NOT NULL,
    version INTEGER NOT NULL, trashed REAL, indexed INTEGER NOT NULL DEFAULT 0, words INTEGER NOT NULL DEFAULT 0,
    preview TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE TABLE operations (
    story TEXT NOT NULL REFERENCES stories(id) ON DELETE CASCADE, version INTEGER NOT NULL, id TEXT NOT NULL,
    unit TEXT NOT NULL, scope TEXT NOT NULL, role TEXT NOT NULL, reverts INTEGER NOT NULL, author TEXT NOT NULL,
    time REAL NOT NULL, body TEXT NOT NULL, inverse TEXT, checksum INTEGER NOT NULL,
    PRIMARY KEY (story, version)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX operations_by_id ON operations (story, id);
CREATE INDEX operations_by_scope ON operations (story, scope, version, unit, role, reverts);
CREATE INDEX operations_by_unit ON operations (story, unit, version);
CREATE TABLE snapshots (
    story TEXT NOT NULL REFERENCES stories(id) ON DELETE CASCADE, version INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (story, version)
) STRICT;
CREATE TABLE passages (
    id INTEGER PRIMARY KEY, story TEXT NOT NULL, place TEXT NOT NULL, start INTEGER NOT NULL, text TEXT NOT NULL
) STRICT;
CREATE INDEX passages_by_story ON passages (story, place);
CREATE VIRTUAL TABLE words USING fts5(text, content='passages', content_rowid='id', tokenize='trigram');
CREATE TRIGGER passage_added AFTER INSERT ON passages BEGIN
    INSERT INTO words (rowid, text) VALUES (new.id, new.text);
END;
CREATE TRIGGER passage_gone AFTER DELETE ON passages BEGIN
    INSERT INTO words (words, rowid, text) VALUES ('delete', old.id, old.text);
END;
"""


_NEWER = {
    2: ["ALTER TABLE stories ADD COLUMN summarized INTEGER NOT NULL DEFAULT 0"],
    3: [
        "CREATE INDEX IF NOT EXISTS stories_by_time ON stories (modified DESC, id) WHERE trashed IS NULL",
        "CREATE INDEX IF NOT EXISTS trash_by_time ON stories (modified DESC, id) WHERE trashed IS NOT NULL",
        "CREATE INDEX IF NOT EXISTS stories_unread ON stories (modified DESC, id) WHERE indexed < version",
    ],
}
"""What each newer version of the schema adds to the first."""


class StoriesUnreadable(CoblynError):
    """The file is damaged, is not a file of stories, or is from a newer Coblyn. It is not changed."""

    code = "stories_unreadable"


class Database:
    """A connection to the file of stories; it belongs to one thread at a time.

    Args:
        path: The file. It and its directory are made if they are missing.

    Raises:
        StoriesUnreadable: It is something else, damaged, or of a newer version. Nothing is changed in it.
        DiskFull: There is no room for it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._told():
            path.parent.mkdir(parents=True, exist_ok=True)
            self.connection = sqlite3.connect(
                path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            # SQLite's own comparison knows the cases of English letters only.
            self.connection.create_function("folded", 1, str.casefold, deterministic=True)
        try:
            with self._told():
                self._prepare()
        except BaseException:
            self.connection.close()
            raise

    def _prepare(self) -> None:
        version = self._version()  # read first: a file of someone else is not even switched to WAL
        self._require_known(version)
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            self.connection.execute(f"PRAGMA {pragma}")
        if version < VERSION:
            with self.writing():
                self._raise(self._version())  # another process may have been faster

    def _raise(self, version: int) -> None:
        """Bring the file to the newest version of the schema."""
        first = list(_statements(_SCHEMA)) if version == 0 else []
        newer = [
            one for number in range(version + 1, VERSION + 1) for one in _NEWER.get(number, ())
        ]
        for statement in (*first, *newer):
            self.connection.execute(statement)
        self.connection.execute(f"PRAGMA user_version = {VERSION}")

    def _version(self) -> int:
        return int(self.connection.execute("PRAGMA user_version").fetchone()[0])

    def _require_known(self, version: int) -> None:
        if version > VERSION:
            raise StoriesUnreadable(
                f"{self.path} was written by a newer Coblyn.",
                hint="Update Coblyn. Nothing in the file was changed.",
            )
        tables = self.connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if version == 0 and tables:
            raise StoriesUnreadable(
                f"{self.path} is a database, but holds no stories of Coblyn.",
                hint="Move it elsewhere. Nothing in it was changed.",
            )

    def close(self) -> None:
        """Close the file."""
        self.connection.close()

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all changes of the block are on disk at its end, or none.

        Raises:
            DiskFull: There is no room.
            Busy: Another process has been writing for too long.
        """
        with self._told():
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
            except BaseException:
                if self.connection.in_transaction:  # a full disk has ended it already
                    self.connection.execute("ROLLBACK")
                raise
            self.connection.execute("COMMIT")

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A read transaction with a consistent view."""
        with self._told():
            self.connection.execute("BEGIN")
            try:
                yield self.connection
            finally:
                self.connection.execute("ROLLBACK")

    def backup(self) -> bytes:
        """A consistent copy of the file. It needs no disk: a full one is when it is wanted most."""
        with self._told():
            return self.connection.serialize()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """What SQLite and the system refuse, in our own words."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise _explained(self.path, error) from error
        except sqlite3.DatabaseError as error:
            raise StoriesUnreadable(
                f"{self.path} is damaged, or no file of stories ({error}).",
                hint="Nothing in it was changed. Put a backup in its place, or move it elsewhere.",
            ) from error
        except OSError as error:
            reason = error.strerror or str(error)
            raise CoblynError(f"{self.path} cannot be made: {reason}.") from error


def _explained(path: Path, error: sqlite3.OperationalError) -> CoblynError:
    code = error.sqlite_errorcode & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return DiskFull(f"There is no room left for {path}.", hint="Free some space.")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Busy(f"Another program has been writing to {path} for {_BUSY_SECONDS:g} s.")
    return CoblynError(f"{path} cannot be used: {error}.", hint="Check its permissions.")


def _statements(script: str) -> Iterator[str]:
    """The statements of a script; a transaction would end at ``executescript``."""
    statement = ""
    for line in script.splitlines():
        statement += line + "\n"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
