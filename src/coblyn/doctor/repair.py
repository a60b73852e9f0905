"""``--fix`` and ``--undo``: moves files aside, keeps a journal of the moves, and moves them back.

Nothing is ever deleted or overwritten. Build output goes into the doctor's own directory inside the tree (a
rename, whatever its size); a user's file gets a dated name in its directory. The journal is written before
each move, so that an interrupted move can be undone as well.
"""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coblyn.doctor.finding import StepKind
from coblyn.errors import BadRequest, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date
    from pathlib import Path

    from coblyn.doctor.finding import Step

__all__ = ["KEEPING", "Move", "repair", "undo"]

KEEPING = ".coblyn-doctor"
"""Directory in a tree that holds cleared files and the journal."""

_JOURNAL = "journal.jsonl"
_MAX_JOURNAL = 64_000_000


@dataclass(frozen=True, slots=True)
class Move:
    """One file or directory that was moved.

    Attributes:
        kind: The kind of step: for a user's file, or for something that a build made.
        source: Where it was, relative to the tree.
        target: Where it is now, relative to the tree.
        reason: The reason given by the diagnosis.
    """

    kind: StepKind
    source: str
    target: str
    reason: str = ""

    def to_json(self) -> dict[str, str]:
        """As JSON."""
        return {
            "kind": self.kind.value,
            "source": self.source,
            "target": self.target,
            "reason": self.reason,
        }


def repair(root: Path, steps: Iterable[Step], today: date) -> tuple[Move, ...]:
    """Apply the steps of a fix.

    Args:
        root: The tree; nothing outside it is touched.
        steps: The steps; files that no longer exist are skipped.
        today: The date for dated names.

    Returns:
        What was moved, in order.

    Raises:
        BadRequest: A step is outside the tree, or a file cannot be moved; what was moved before it stays in the
            journal and can be undone.
    """
    root = root.resolve()
    keeping = _Keeping(root)
    number = keeping.next_number()
    moves = []
    for step in steps:
        source = _inside(root, step.path)
        if not os.path.lexists(source):
            continue
        if step.kind is StepKind.ASIDE:
            target = _free(source.with_name(f"{source.name}.old-{today.isoformat()}"))
        else:
            target = _free(keeping.path / str(number) / source.relative_to(root))
        _inside(root, target)
        move = Move(step.kind, _relative(source, root), _relative(target, root), step.reason)
        keeping.note(number, move)
        _move(source, target)
        moves.append(move)
    return tuple(moves)


def undo(root: Path) -> tuple[Move, ...]:
    """Undo the last fix: its moves in reverse order.

    Files that a build has recreated meanwhile are moved aside, so that the old file can return to its place.

    Returns:
        What was moved back; ``source`` is where it is again.

    Raises:
        NotFound: Nothing was fixed in this tree, or everything was undone.
        BadRequest: A user's file is in the place of one that should return, the journal cannot be read
            or names something outside of the tree, or a file cannot be moved.
    """
    root = root.resolve()
    keeping = _Keeping(root)
    number, moves = keeping.last()
    for move in moves:
        _check_return(root, move)
    done = []
    for move in reversed(moves):
        source, target = root / move.source, root / move.target
        if not os.path.lexists(target):
            continue
        if os.path.lexists(source):
            newer = keeping.path / f"{number}-newer" / move.source
            _move(source, _free(newer))
        _move(target, source)
        done.append(move)
    keeping.close(number)
    return tuple(done)


def _check_return(root: Path, move: Move) -> None:
    source, target = _inside(root, root / move.source), _inside(root, root / move.target)
    is_taken = os.path.lexists(source) and os.path.lexists(target)
    if move.kind is StepKind.ASIDE and is_taken:
        raise BadRequest(
            f"{source} exists again, so {target.name} cannot return to its name.",
            hint="Rename one of them, and undo once more.",
        )


@dataclass(frozen=True, slots=True)
class _Entry:
    """A line of the journal: the number of a fix, and one of its moves; None if the fix was undone."""

    number: int
    move: Move | None


class _Keeping:
    """The doctor's own directory in a tree."""

    def __init__(self, root: Path) -> None:
        self.path = root / KEEPING
        self._journal = self.path / _JOURNAL
        if self.path.is_symlink():
            raise BadRequest(f"{self.path} is a link to somewhere else; nothing is kept there.")
        if os.path.lexists(self._journal):
            status = self._journal.lstat()
            if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_JOURNAL:
                raise BadRequest(
                    f"{self._journal} is not an ordinary file; the doctor did not write it."
                )

    def note(self, number: int, move: Move) -> None:
        self._write({"fix": number, **move.to_json()})

    def close(self, number: int) -> None:
        self._write({"undone": number})

    def next_number(self) -> int:
        return max((entry.number for entry in self._read()), default=0) + 1

    def last(self) -> tuple[int, list[Move]]:
        """Number and moves of the last fix that was not undone."""
        entries = self._read()
        undone = {entry.number for entry in entries if entry.move is None}
        numbers = {entry.number for entry in entries} - undone
        if not numbers:
            raise NotFound(
                f"Nothing is there to undo in {self.path.parent}.",
                hint="Only what coblyn doctor --fix has changed there can be undone.",
            )
        number = max(numbers)
        return number, [entry.move for entry in entries if entry.number == number and entry.move]

    def _read(self) -> list[_Entry]:
        try:
            lines = self._journal.read_text("utf-8", "replace").splitlines()
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise BadRequest(f"{self._journal} cannot be read: {error.strerror}.") from error
        # A line truncated by a crash describes a move that had not begun.
        return [entry for line in lines if (entry := _entry(line))]

    def _write(self, entry: dict[str, Any]) -> None:
        try:
            if not self.path.is_dir():
                self.path.mkdir()
                # Neither git nor a search of the tree should treat it as part of the project.
                (self.path / ".gitignore").write_text("*\n", "utf-8")
            with self._journal.open("a", encoding="utf-8") as file:
                # On a separate line, even if a crash has truncated the previous one.
                file.write(f"\n{json.dumps(entry)}\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise BadRequest(
                f"{self._journal} cannot be written: {error.strerror}.",
                hint="Without a journal nothing is moved.",
            ) from error


def _entry(line: str) -> _Entry | None:
    """A line of the journal; None if it is not one of ours."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(entry, dict):
        return None
    if isinstance(entry.get("undone"), int):
        return _Entry(entry["undone"], None)
    texts = [entry.get(name) for name in ("source", "target", "reason")]
    source, target, reason = (
        text if isinstance(text, str) and "\0" not in text else None for text in texts
    )
    is_move = isinstance(entry.get("fix"), int) and entry.get("kind") in tuple(StepKind)
    if not is_move or source is None or target is None or reason is None:
        return None
    return _Entry(entry["fix"], Move(StepKind(entry["kind"]), source, target, reason))


def _inside(root: Path, path: Path) -> Path:
    """A path whose parent is in the tree; the last component is not followed if it is a link."""
    full = path.parent.resolve() / path.name
    if not full.is_relative_to(root) or full == root:
        raise BadRequest(f"{path} lies outside {root}, and is left alone.")
    return full


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _free(path: Path) -> Path:
    """The path, or the first of path-2, path-3, ... that does not exist."""
    candidate, number = path, 2
    while os.path.lexists(candidate):
        candidate = path.with_name(f"{path.name}-{number}")
        number += 1
    return candidate


def _move(source: Path, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        source.rename(target)
    except OSError as error:
        raise BadRequest(f"{source} cannot be moved to {target}: {error.strerror}.") from error
