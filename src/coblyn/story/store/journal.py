"""The journal: operations are on disk before they are reported as done."""

from __future__ import annotations

import bisect
import sqlite3
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from coblyn.errors import BadRequest, CoblynError, NotFound
from coblyn.story.changes import moved
from coblyn.story.merge import Merged, Move, merge
from coblyn.story.operation import Branch, Edit, Operation, scope_of
from coblyn.story.record import Proposed, Record
from coblyn.story.state import NEW, State, apply
from coblyn.story.store.database import Database
from coblyn.story.store.rows import (
    StoryDamaged,
    insert_record,
    insert_snapshot,
    newest_snapshot,
    records_between,
)
from coblyn.story.text import num_common, units
from coblyn.story.undo import Mark, Role, first_outstanding, to_redo, to_undo, uncancelled

__all__ = [
    "MAX_BEHIND",
    "AlreadyDone",
    "Appended",
    "Journal",
    "Stepped",
    "Steps",
    "StoryNotFound",
    "TooFarBehind",
]

SNAPSHOT_EVERY = 200
KEPT_CLOSELY = 2000
"""Of the versions this far back every snapshot is kept, and one in ten of those before."""

MAX_BEHIND = 2000
_CACHED = 8
_CACHED_EARLIER = 40
_STRIDE = 50
"""Earlier states are remembered at versions so far apart."""

_CUT_WORDS = 20
"""What an edit cuts off from a redo becomes a branch if it has so many words, or words of a model."""


class StoryNotFound(NotFound):
    """There is no such story."""

    code = "story_not_found"

    def __init__(self, story: str) -> None:
        super().__init__(f"There is no story {story!r}.")


class TooFarBehind(CoblynError):
    """A client stands on a version that is much older than the newest, or on one that is not there."""

    code = "too_far_behind"
    status = 409


class AlreadyDone(TooFarBehind):
    """Nothing of a batch is new, but its client stands too far behind to be told of what others did."""

    code = "already_done"


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of operations.

    Attributes:
        version: The newest of the story now.
        records: Those that were appended; what was there already is left out.
    """

    version: int
    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class Stepped(Appended):
    """What an undo or a redo did.

    Attributes:
        has_more: Whether the same could be done once more.
    """

    has_more: bool


@dataclass(frozen=True, slots=True)
class Steps:
    """Which steps there are in a scope.

    Attributes:
        can_undo: Whether an undo would do anything.
        can_redo: Whether a redo would.
    """

    can_undo: bool
    can_redo: bool


class Journal:
    """Stories as rows of operations.

    Args:
        database: Where they are.
        clock: Seconds since 1970.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock
        self._states: OrderedDict[str, tuple[int, State]] = OrderedDict()
        self._earlier: OrderedDict[tuple[str, int], State] = OrderedDict()

    def version(self, story: str) -> int:
        """The newest version of a story.

        Raises:
            StoryNotFound: There is none.
        """
        with self._database.reading() as connection:
            return _version(connection, story)

    def state(self, story: str, version: int | None = None) -> tuple[int, State]:
        """A story at a version; at the newest if none is given.

        Raises:
            StoryNotFound: There is no such story, or it has no such version.
            StoryDamaged: A record that this takes cannot be read.
        """
        with self._database.reading() as connection:
            newest = _version(connection, story)
            wanted = newest if version is None else version
            if not 0 <= wanted <= newest:
                raise StoryNotFound(f"{story} at version {wanted}")
            if wanted == newest:
                return newest, self._newest(connection, story, newest)
            return wanted, self._folded(connection, story, wanted)

    def records(self, story: str, after: int, limit: int = 1000) -> list[Record]:
        """Records after a version, oldest first.

        Args:
            story: Its id.
            after: The version, 0 for the beginning.
            limit: Maximum number of records; call again with the last one's version for more.

        Raises:
            StoryNotFound: There is no such story.
        """
        with self._database.reading() as connection:
            return list(
                records_between(connection, story, after, _version(connection, story), limit)
            )

    def append(self, story: str, base: int, author: str, proposed: Sequence[Proposed]) -> Appended:
        """Do operations that were made on some version: all of them, or none.

        Those whose id the story has already are done already, and are left out.

        Raises:
            StoryNotFound: There is no such story.
            Conflict: Others have changed the same since.
            TooFarBehind: Too much has happened since, or the version is not there yet.
            AlreadyDone: Too much has happened since, but all of them are done.
            BadRequest: One cannot be done.
        """
        with self._writing(story) as connection:
            newest = _version(connection, story)
            known = _known(connection, story, [one.id for one in proposed])
            # Of a repeated batch too, for its answer tells what others did since; how long it is itself does not count.
            error = AlreadyDone if len(known) == len(proposed) else TooFarBehind
            _require_near(base, newest, len(known), error)
            new = [one for one in proposed if one.id not in known]
            if not new:
                return Appended(newest, ())
            since = self._since(connection, story, base, newest, proposed)
            state = self._newest(connection, story, newest)
            merged = merge(state, since, [one.operation for one in new])
            records, state = self._new_records(connection, story, newest, author, new, merged)
            return self._write(connection, story, newest, state, records)

    def undo(self, story: str, scope: str, author: str, name: str) -> Stepped:
        """Undo the last step in a scope, or in the whole story if the scope is empty.

        Args:
            story: Which story.
            scope: Within what (`operation.scope_of`).
            author: Who asks.
            name: The id of this undo: the same one again does nothing.
        """
        return self._revert(story, scope, author, name, "undo", to_undo)

    def redo(self, story: str, scope: str, author: str, name: str) -> Stepped:
        """Redo the last undone step in a scope, unless there was a new step there since."""
        return self._revert(story, scope, author, name, "redo", to_redo)

    def steps(self, story: str, scopes: Iterable[str]) -> dict[str, Steps]:
        """Which steps back and forth there are in each of some scopes.

        Raises:
            StoryNotFound: There is no such story.
        """
        with self._database.reading() as connection:
            _version(connection, story)

            def has(find: Callable[[Iterable[Mark]], str | None], scope: str) -> bool:
                return find(_marks(connection, story, scope)) is not None

            return {scope: Steps(has(to_undo, scope), has(to_redo, scope)) for scope in scopes}

    def _revert(
        self,
        story: str,
        scope: str,
        author: str,
        name: str,
        role: Role,
        find: Callable[[Iterable[Mark]], str | None],
    ) -> Stepped:
        with self._writing(story) as connection:
            newest = _version(connection, story)
            unit = find(_marks(connection, story, scope))
            if unit is None or _has_unit(connection, story, name):
                return Stepped(newest, (), unit is not None)
            state = self._newest(connection, story, newest)
            steps, state = self._reverting(connection, story, newest, state, unit)
            now = round(self._clock(), 3)
            records = [
                Record(v, f"{name}:{v}", name, op, inverse, scope_of(op), role, of, author, now)
                for v, op, inverse, of in steps
            ]
            done = self._write(connection, story, newest, state, records)
            has_more = find(_marks(connection, story, scope)) is not None
            return Stepped(done.version, done.records, has_more)

    def _reverting(
        self, connection: sqlite3.Connection, story: str, newest: int, state: State, unit: str
    ) -> tuple[list[tuple[int, Operation, Operation | None, int]], State]:
        """New versions that take back a unit, and the state after them.

        Each comes with its operation, its inverse, and the version that it takes back.
        """
        versions = _unit_versions(connection, story, unit)
        marks: dict[str, list[tuple[int, int]]] = {}
        new: dict[int, Edit] = {}
        steps: list[tuple[int, Operation, Operation | None, int]] = []
        for old in reversed(versions):
            (record,) = records_between(connection, story, old - 1, old)
            if record.inverse is None:
                continue
            operation, version = record.inverse, newest + len(steps) + 1
            if isinstance(operation, Edit):
                later = marks.setdefault(record.scope, [])
                if not later:  # all that the unit's oldest operation has to be moved past
                    later += _later(connection, story, record.scope, versions[0])
                after = later[bisect.bisect_right(later, old, key=lambda mark: mark[0]) :]
                operation = self._past(connection, story, operation, uncancelled(after), new)
                later.append((version, old))
                new[version] = operation
            state, inverse = apply(state, operation)
            steps.append((version, operation, inverse, old))
        return steps, state

    def _past(
        self,
        connection: sqlite3.Connection,
        story: str,
        operation: Edit,
        versions: list[int],
        new: dict[int, Edit],
    ) -> Edit:
        """An edit, moved past those of later versions."""
        changes = operation.changes
        for version in versions:
            if version in new:
                other: Operation = new[version]
            else:
                (record,) = records_between(connection, story, version - 1, version)
                other = record.operation
            assert isinstance(other, Edit), "the scope of a text holds edits only"
            changes = moved(changes, other.changes)
        return Edit(operation.branch, changes)

    def _new_records(
        self,
        connection: sqlite3.Connection,
        story: str,
        newest: int,
        author: str,
        new: Sequence[Proposed],
        merged: Merged,
    ) -> tuple[list[Record], State]:
        """What is appended, with branches for what edits cut off, and the state after it."""
        now = round(self._clock(), 3)
        records: list[Record] = []

        def add(name: str, unit: str, operation: Operation, inverse: Operation | None) -> None:
            version = newest + len(records) + 1
            scope = scope_of(operation) if inverse else ""
            records.append(
                Record(version, name, unit, operation, inverse, scope, "do", 0, author, now)
            )

        state, cut = merged.state, set[str]()
        for one, operation, inverse in zip(new, merged.operations, merged.inverses, strict=True):
            if isinstance(operation, Edit) and operation.branch not in cut:
                cut.add(operation.branch)
                if branch := self._cut_off(connection, story, operation.branch, newest):
                    add(f"cut:{one.id}", f"cut:{one.id}", branch, None)
                    state, _ = apply(
                        state, branch
                    )  # it has a text of its own: when it begins does not matter
            add(one.id, one.unit, operation, inverse)
        return records, state

    def _cut_off(
        self, connection: sqlite3.Connection, story: str, branch: str, newest: int
    ) -> Branch | None:
        """The branch that keeps what could be done again until now, and cannot after another edit."""
        first = first_outstanding(_marks(connection, story, f"text/{branch}"))
        if first is None:
            return None
        future = self._folded(connection, story, first - 1).texts.get(branch)
        present = self._newest(connection, story, newest).text(branch)
        if future is None:
            return None
        pieces = {piece for _, piece in future.runs} - {piece for _, piece in present.runs}
        num_words = len(future.text.split()) - len(present.text.split())
        if not pieces - {""} and num_words < _CUT_WORDS:
            return None
        at = units(present.text[: num_common(present.text, future.text)])
        return Branch(f"cut-{newest}-{branch}"[:100], branch, at, future)

    def _since(
        self,
        connection: sqlite3.Connection,
        story: str,
        base: int,
        newest: int,
        proposed: Sequence[Proposed],
    ) -> list[Move]:
        sent = {one.id: one.operation for one in proposed}
        return [
            Move(record.operation, sent.get(record.id))
            for record in records_between(connection, story, base, newest)
        ]

    def _write(
        self,
        connection: sqlite3.Connection,
        story: str,
        newest: int,
        state: State,
        records: Sequence[Record],
    ) -> Appended:
        for record in records:
            insert_record(connection, story, record)
        version = newest + len(records)
        _touch(connection, story, version, state, self._clock())
        if version // SNAPSHOT_EVERY > newest // SNAPSHOT_EVERY:
            insert_snapshot(connection, story, version, state)
            _thin(connection, story, version)
        self._states[story] = (version, state)
        return Appended(version, tuple(records))

    @contextmanager
    def _writing(self, story: str) -> Iterator[sqlite3.Connection]:
        try:
            with self._database.writing() as connection:
                yield connection
        except BaseException:
            self.forget(story)  # what is remembered may be what was not written
            raise

    def forget(self, story: str) -> None:
        """Drop the cached state of a story."""
        self._states.pop(story, None)
        for key in [key for key in self._earlier if key[0] == story]:
            del self._earlier[key]

    def _newest(self, connection: sqlite3.Connection, story: str, version: int) -> State:
        cached = self._states.get(story)
        if cached is None or cached[0] != version:
            cached = (version, self._folded(connection, story, version))
        self._states[story] = cached
        self._states.move_to_end(story)
        while len(self._states) > _CACHED:
            self._states.popitem(last=False)
        return cached[1]

    def _folded(self, connection: sqlite3.Connection, story: str, version: int) -> State:
        start, state = self._nearest(connection, story, version)
        reached = start
        for record in records_between(connection, story, start, version):
            try:
                state, _ = apply(state, record.operation)
            except BadRequest as error:
                raise StoryDamaged(story, record.version) from error
            reached = record.version
            if reached % _STRIDE == 0 or reached == version:
                self._remember(story, reached, state)
        if reached != version:
            raise StoryDamaged(story, reached + 1)
        return state

    def _nearest(
        self, connection: sqlite3.Connection, story: str, version: int
    ) -> tuple[int, State]:
        """The nearest state before a version that is at hand: for someone who goes through the timeline."""
        known = {at: state for (name, at), state in self._earlier.items() if name == story}
        if story in self._states:
            known.update([self._states[story]])
        nearest = max((at for at in known if at <= version), default=version - SNAPSHOT_EVERY)
        if version - nearest < SNAPSHOT_EVERY:
            return nearest, known[nearest]
        return newest_snapshot(connection, story, version) or (0, NEW)

    def _remember(self, story: str, version: int, state: State) -> None:
        self._earlier[story, version] = state
        self._earlier.move_to_end((story, version))
        while len(self._earlier) > _CACHED_EARLIER:
            self._earlier.popitem(last=False)


def _version(connection: sqlite3.Connection, story: str) -> int:
    row = connection.execute("SELECT version FROM stories WHERE id = ?", (story,)).fetchone()
    if row is None:
        raise StoryNotFound(story)
    return int(row[0])


def _require_near(base: int, newest: int, num_known: int, error: type[TooFarBehind]) -> None:
    if base > newest or newest - base - num_known > MAX_BEHIND:
        raise error(
            f"The operations stand on version {base}, and the story is at {newest}.",
            hint="Load the story again, and send again what it does not have.",
        )


def _known(connection: sqlite3.Connection, story: str, names: Sequence[str]) -> set[str]:
    query = "SELECT 1 FROM operations WHERE story = ? AND id = ?"
    return {name for name in names if connection.execute(query, (story, name)).fetchone()}


def _has_unit(connection: sqlite3.Connection, story: str, unit: str) -> bool:
    query = "SELECT 1 FROM operations WHERE story = ? AND unit = ?"
    return connection.execute(query, (story, unit)).fetchone() is not None


def _unit_versions(connection: sqlite3.Connection, story: str, unit: str) -> list[int]:
    query = "SELECT version FROM operations WHERE story = ? AND unit = ? ORDER BY version"
    return [version for (version,) in connection.execute(query, (story, unit))]


def _marks(connection: sqlite3.Connection, story: str, scope: str) -> Iterator[Mark]:
    """All marks of a scope, or of every scope in which something can be undone, newest first."""
    query = "SELECT version, unit, role, reverts FROM operations WHERE story = ?"
    condition = " AND scope = ?" if scope else " AND scope <> ?"
    rows = connection.execute(query + condition + " ORDER BY version DESC", (story, scope))
    return (Mark(*row) for row in rows)


def _later(
    connection: sqlite3.Connection, story: str, scope: str, version: int
) -> list[tuple[int, int]]:
    query = "SELECT version, reverts FROM operations WHERE story = ? AND scope = ? AND version > ? ORDER BY version"
    return list(connection.execute(query, (story, scope, version)))


def _touch(
    connection: sqlite3.Connection, story: str, version: int, state: State, now: float
) -> None:
    connection.execute(
        "UPDATE stories SET version = ?, title = ?, mode = ?, modified = ? WHERE id = ?",
        (version, state.single("title"), state.single("mode"), now, story),
    )


def _thin(connection: sqlite3.Connection, story: str, version: int) -> None:
    """Forget most snapshots of long ago; at worst 2,000 operations are folded then."""
    connection.execute(
        "DELETE FROM snapshots WHERE story = ? AND version < ? AND version / ? % 10 <> 0",
        (story, version - KEPT_CLOSELY, SNAPSHOT_EVERY),
    )
