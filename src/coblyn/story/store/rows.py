"""Records of the journal as rows: written with a checksum, and read with doubt."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterator
from typing import Any

from coblyn.errors import BadRequest, CoblynError
from coblyn.story.operation import operation_json, read_operation
from coblyn.story.record import Record
from coblyn.story.state import State
from coblyn.story.store.snapshot import from_snapshot, to_snapshot

__all__ = [
    "COLUMNS",
    "StoryDamaged",
    "insert_record",
    "insert_snapshot",
    "newest_snapshot",
    "read_record",
    "records_between",
]

COLUMNS = "version, id, unit, scope, role, reverts, author, time, body, inverse, checksum"


class StoryDamaged(CoblynError):
    """A record of a story cannot be read. The story is never taken for an empty one, and nothing in it is changed.

    Args:
        story: Which story.
        version: The version whose record it is; the one before can be read.
    """

    code = "story_damaged"

    def __init__(self, story: str, version: int) -> None:
        super().__init__(
            f"The record of version {version} of the story {story} is damaged.",
            hint=f"Version {version - 1} can be read. Nothing was changed.",
        )
        self.version = version


def insert_record(connection: sqlite3.Connection, story: str, record: Record) -> None:
    """Append a record.

    Raises:
        BadRequest: It holds a number that JSON cannot.
    """
    body = _json(operation_json(record.operation))
    inverse = _json(operation_json(record.inverse)) if record.inverse else None
    row = (record.version, record.id, record.unit, record.scope, record.role, record.reverts)
    row += (record.author, record.time, body, inverse)  # type: ignore[assignment]
    connection.execute(
        f"INSERT INTO operations (story, {COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
        (story, *row, _checksum(record.version, body, inverse)),
    )


def read_record(story: str, row: tuple[Any, ...]) -> Record:
    """A row as a record.

    Raises:
        StoryDamaged: It is not what was written.
    """
    version, *fields, body, inverse, checksum = row
    try:
        if checksum != _checksum(version, body, inverse):
            raise StoryDamaged(story, version)
        operation = read_operation(json.loads(body))
        backwards = read_operation(json.loads(inverse)) if inverse else None
    except (ValueError, TypeError, AttributeError, BadRequest) as error:
        raise StoryDamaged(story, version) from error
    name, unit, scope, role, reverts, author, time = fields
    return Record(version, name, unit, operation, backwards, scope, role, reverts, author, time)


def records_between(
    connection: sqlite3.Connection, story: str, after: int, upto: int, limit: int = -1
) -> Iterator[Record]:
    """Records after a version, up to another one, oldest first.

    Raises:
        StoryDamaged: One is not what was written, or missing.
    """
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM operations WHERE story = ? AND version > ? AND version <= ?"  # noqa: S608
        " ORDER BY version LIMIT ?",
        (story, after, upto, limit),
    )
    for expected, row in enumerate(rows, after + 1):
        if row[0] != expected:
            raise StoryDamaged(story, expected)
        yield read_record(story, row)


def insert_snapshot(connection: sqlite3.Connection, story: str, version: int, state: State) -> None:
    """Keep the state of a version, from which later ones are folded."""
    body = zlib.compress(_json(to_snapshot(state)).encode(), 1)
    connection.execute(
        "INSERT OR REPLACE INTO snapshots (story, version, body) VALUES (?, ?, ?)",
        (story, version, body),
    )


def newest_snapshot(
    connection: sqlite3.Connection, story: str, version: int
) -> tuple[int, State] | None:
    """The newest state that is kept and can be read, not newer than a version."""
    rows = connection.execute(
        "SELECT version, body FROM snapshots WHERE story = ? AND version <= ? ORDER BY version DESC",
        (story, version),
    )
    for found, body in rows:
        try:
            return found, from_snapshot(json.loads(zlib.decompress(body)))
        except (ValueError, KeyError, TypeError, AttributeError, zlib.error, BadRequest):
            continue  # a spare copy only: the records say the same
    return None


def _json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except ValueError as error:
        raise BadRequest("A number is infinite, or none.", field="value") from error


def _checksum(version: int, body: str, inverse: str | None) -> int:
    return zlib.crc32(f"{version}\n{body}\n{inverse or ''}".encode("utf-8", "surrogatepass"))
