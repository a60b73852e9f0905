"""Saved stories on the server in numbered slots: an SQLite file that several processes may share."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from coblyn.errors import BadRequest, DiskFull, SettingsError

__all__ = ["NUM_SLOTS", "Saved", "Slots"]

NUM_SLOTS = 12
"""KoboldCPP's number of slots, 0 to 11."""

MAX_CHARACTERS = 10 << 20
"""Of one slot."""

_TABLE = """
CREATE TABLE IF NOT EXISTS slots (
    slot INTEGER PRIMARY KEY, title TEXT NOT NULL, format TEXT NOT NULL, data TEXT NOT NULL
)
"""


@dataclass(frozen=True, slots=True)
class Saved:
    """What a slot holds.

    Attributes:
        title: Display name.
        format: The client's name for the data format.
        data: The client's data; empty if the slot is empty.
    """

    title: str
    format: str
    data: str = field(repr=False)


class Slots:
    """The slots in one file, which is created at the first save. Any thread may call.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def titles(self) -> list[str]:
        """The title of each slot; empty for an empty slot."""
        with self._open() as database:
            titles = dict(database.execute("SELECT slot, title FROM slots"))
        return [titles.get(slot, "") for slot in range(NUM_SLOTS)]

    def load(self, slot: int) -> Saved | None:
        """The content of a slot; None if it is empty or does not exist."""
        with self._open() as database:
            query = "SELECT title, format, data FROM slots WHERE slot = ?"
            row = database.execute(query, (slot,)).fetchone()
        return Saved(*row) if row else None

    def save(self, slot: int, saved: Saved) -> None:
        """Fill a slot; empty data empties it.

        Raises:
            BadRequest: There is no such slot, or the data are too large.
            DiskFull: There is no room; the slot is as it was.
        """
        if not 0 <= slot < NUM_SLOTS:
            raise BadRequest(f"slot must be between 0 and {NUM_SLOTS - 1}.", field="slot")
        if len(saved.data) > MAX_CHARACTERS:
            raise BadRequest(f"data has more than {MAX_CHARACTERS >> 20} MiB.", field="data")
        with self._open() as database:
            if saved.data:
                row = (slot, saved.title, saved.format, saved.data)
                database.execute("INSERT OR REPLACE INTO slots VALUES (?, ?, ?, ?)", row)
            else:
                database.execute("DELETE FROM slots WHERE slot = ?", (slot,))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            database = sqlite3.connect(self._path, timeout=10)
            try:
                with database:
                    database.execute(_TABLE)
                    yield database
            finally:
                database.close()
        except (sqlite3.Error, OSError) as error:
            if _is_full(error):
                raise DiskFull(
                    f"There is no room left for {self._path}.", hint="Free some space."
                ) from error
            raise SettingsError(
                f"The saved stories in {self._path} cannot be used: {error}.",
                hint="Check its permissions, or move the file away.",
            ) from error


def _is_full(error: Exception) -> bool:
    if isinstance(error, OSError):
        return error.errno == errno.ENOSPC
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL
