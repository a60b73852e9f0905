from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from coblyn.story.record import read_proposed
from coblyn.story.store.database import Database
from coblyn.story.store.index import Index
from coblyn.story.store.journal import Appended, Journal
from coblyn.story.store.library import Library
from coblyn.story.store.transfer import Transfer


class Shelf:
    """A file of stories with one story in it, and short words for what tests do to it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.database = Database(path)
        self.journal = Journal(self.database)
        self.library = Library(self.database, self.journal)
        self.index = Index(self.database, self.journal)
        self.transfer = Transfer(self.database, self.journal, self.library)
        self.story = self.library.create().id
        self._names = map(str, itertools.count())

    def do(self, *operations: dict[str, object], base: int | None = None) -> Appended:
        version = self.journal.version(self.story) if base is None else base
        proposed = [read_proposed({"id": f"op{next(self._names)}"} | one) for one in operations]
        return self.journal.append(self.story, version, "tab", proposed)

    def type(self, at: int, text: str, end: int | None = None, **more: object) -> Appended:
        base = more.pop("base", None)
        return self.do(edit(at, text, end, **more), base=base)  # type: ignore[arg-type]

    def undo(self, scope: str = "") -> int:
        return len(self.journal.undo(self.story, scope, "tab", f"u{next(self._names)}").records)

    def redo(self, scope: str = "") -> int:
        return len(self.journal.redo(self.story, scope, "tab", f"r{next(self._names)}").records)

    @property
    def text(self) -> str:
        state = self.journal.state(self.story)[1]
        return state.text(state.selected).text

    def place(self, place: str) -> object:
        return self.journal.state(self.story)[1].places.get(place)


def edit(at: int, text: str, end: int | None = None, **more: object) -> dict[str, object]:
    change = {"from": at, "to": at if end is None else end, "insert": text}
    piece = {"piece": more.pop("piece")} if "piece" in more else {}
    return {"kind": "edit", "branch": "main", "changes": [change | piece]} | more


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    shelf = Shelf(tmp_path / "journal.sqlite")
    yield shelf
    shelf.database.close()
