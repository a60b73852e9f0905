"""A story as one file, to be kept elsewhere and brought back: its whole journal, or only what it holds now."""

from __future__ import annotations

import io
import json
import math
import sqlite3
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from coblyn.errors import BadRequest
from coblyn.story.bounded import MAX_UNPACKED, Archive, json_of
from coblyn.story.operation import Operation, read_operation, scope_of
from coblyn.story.phrases import phrase, refused
from coblyn.story.record import Record
from coblyn.story.state import NEW, State, apply
from coblyn.story.store.database import Database
from coblyn.story.store.journal import Journal
from coblyn.story.store.library import Library, Shelf, new_id
from coblyn.story.store.rows import insert_record, insert_snapshot, records_between

__all__ = ["FORMAT", "StoryFile", "Transfer", "insert_story", "is_story_file", "proven"]

FORMAT = "coblyn-story"
FORMAT_VERSION = 1

_HEAD, _JOURNAL = "story.json", "journal.jsonl"


@dataclass(frozen=True, slots=True)
class StoryFile:
    """A story as it was read from a file.

    Attributes:
        head: What is told of it, such as ``created``; not to be trusted.
        records: Its journal, proven.
        state: What it holds after that.
    """

    head: Mapping[str, Any]
    records: tuple[Record, ...] = field(repr=False)
    state: State = field(repr=False)


class Transfer:
    """Stories as files.

    Args:
        database: Where they are.
        journal: What reads them.
        library: What makes new ones.
    """

    def __init__(self, database: Database, journal: Journal, library: Library) -> None:
        self._database = database
        self._journal = journal
        self._library = library

    def export(self, story: str) -> bytes:
        """A story with its whole journal: a zip archive of JSON lines."""
        shelf = self._library.get(story)
        head = {"format": FORMAT, "format_version": FORMAT_VERSION, **shelf.to_json()}
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(_HEAD, json.dumps(head, ensure_ascii=False, indent=2))
            with (
                archive.open(_JOURNAL, "w") as lines,
                self._database.reading() as connection,
            ):
                for record in records_between(connection, story, 0, shelf.version):
                    lines.write(json.dumps(record.to_json(), ensure_ascii=False).encode() + b"\n")
        return target.getvalue()

    def import_story(self, data: bytes) -> Shelf:
        """A story from such a file, as a new one.

        Raises:
            BadRequest: It is no such file, of a newer version, damaged or too large. No story is made.
        """
        file, story = self.read(data), new_id()
        with self._database.writing() as connection:
            insert_story(connection, story, file)
        return self._library.get(story)

    @staticmethod
    def read(data: bytes) -> StoryFile:
        """Such a file; nothing is made of it.

        Raises:
            BadRequest: It is no such file, of a newer version, damaged or too large.
        """
        with Archive(data, phrase("the_story")) as archive:
            head = _head(archive)
            lines = archive.read(_JOURNAL, MAX_UNPACKED).splitlines()
        records, state = proven(_lines(lines))
        return StoryFile(head, records, state)


def is_story_file(data: bytes) -> bool:
    """Whether a file looks like one of these."""
    if not data.startswith(b"PK"):
        return False
    try:
        with Archive(data, phrase("the_story")) as archive:
            return {_HEAD, _JOURNAL} <= set(archive.names)
    except BadRequest:
        return False


def _head(archive: Archive) -> dict[str, Any]:
    head = json_of(archive.read(_HEAD), _HEAD)
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise refused("not_ours", name=_HEAD)
    if head.get("format_version") != FORMAT_VERSION:
        raise refused("newer_story")
    return head


def _lines(lines: Iterable[bytes]) -> Iterator[Any]:
    for line in lines:
        try:
            yield json.loads(line)
        except (ValueError, RecursionError):
            yield None  # is told with its number


def proven(values: Iterable[Any]) -> tuple[tuple[Record, ...], State]:
    """A journal of somebody else's: each record proven to follow from those before it, and the state after them.

    Raises:
        BadRequest: One is damaged or out of order, or two have the same id.
    """
    state, records = NEW, list[Record]()
    for version, value in enumerate(values, 1):
        try:
            state, inverse = apply(state, operation := read_operation(value))
            record = _record(value, version, operation, inverse)
        except (
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            RecursionError,
            BadRequest,
        ) as error:
            raise refused("journal_line", n=version) from error
        records.append(record)
    if len({record.id for record in records}) < len(records):
        raise refused("journal_twice")
    return tuple(records), state


def _record(
    value: dict[str, Any], version: int, operation: Operation, inverse: Operation | None
) -> Record:
    """A line as a record. What can be told from the operation is not taken from the file."""
    if value["version"] != version or value["role"] not in ("do", "undo", "redo"):
        raise BadRequest("A record is out of order.")
    time = float(value["time"])
    if not math.isfinite(time):
        raise BadRequest("A time is none.")
    name, unit, author = (str(value[key])[:200] for key in ("id", "unit", "author"))
    return Record(
        version,
        name,
        unit,
        operation,
        inverse,
        scope_of(operation) if inverse else "",
        value["role"],
        int(value.get("reverts", 0)),
        author,
        time,
    )


def insert_story(connection: sqlite3.Connection, story: str, file: StoryFile) -> None:
    """Make a new story of a file, within a transaction."""
    records, state = file.records, file.state
    now = records[-1].time if records else 0.0
    row = (story, state.single("title"), state.single("mode"), _number(file.head, "created", now))
    connection.execute(
        "INSERT INTO stories (id, title, mode, created, modified, version) VALUES (?, ?, ?, ?, ?, ?)",
        (*row, _number(file.head, "modified", now), len(records)),
    )
    for record in records:
        insert_record(connection, story, record)
    insert_snapshot(connection, story, len(records), state)


def _number(head: Mapping[str, Any], key: str, default: float) -> float:
    value = head.get(key)
    if not isinstance(value, int | float) or not math.isfinite(value):
        return default
    return float(value)
