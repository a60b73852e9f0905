from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from coblyn.errors import BadRequest
from coblyn.story.store.database import VERSION
from coblyn.story.store.restore import Restorer, is_backup
from story.conftest import Shelf


@pytest.fixture
def other(tmp_path: Path) -> Shelf:
    """Another machine's stories, with one in them."""
    return Shelf(tmp_path / "other" / "journal.sqlite")


def test_all_stories_come_back_with_their_journals_once(shelf: Shelf, other: Shelf) -> None:
    shelf.type(0, "one ")
    shelf.type(4, "two")
    trashed = shelf.library.create().id
    shelf.library.trash(trashed)
    data = shelf.database.backup()
    assert is_backup(data)
    assert not is_backup(b"SQLite")
    restorer = Restorer(other.database, other.library)
    done = restorer.restore(data)
    assert {one.id for one in done.stories} == {shelf.story, trashed}
    assert other.journal.records(shelf.story, 0) == shelf.journal.records(shelf.story, 0)
    assert [one.id for one in other.library.listed(is_trash=True).stories] == [trashed]
    other.journal.undo(shelf.story, "", "tab", "back")
    assert other.journal.state(shelf.story)[1].text("main").text == "one "
    again = restorer.restore(data)
    assert (again.stories, again.num_here, again.damaged) == ((), 2, ())


def test_a_story_that_went_another_way_here_stays_beside_the_old_one(shelf: Shelf) -> None:
    shelf.type(0, "one")
    data = shelf.database.backup()
    with shelf.database.writing() as connection:
        connection.execute("UPDATE operations SET id = 'other'")
    shelf.type(3, " two")
    (copy,) = Restorer(shelf.database, shelf.library).restore(data).stories
    assert copy.id != shelf.story
    assert (shelf.text, shelf.journal.state(copy.id)[1].text("main").text) == ("one two", "one")


def test_a_damaged_story_is_named_and_the_others_come_back(
    shelf: Shelf, other: Shelf, tmp_path: Path
) -> None:
    shelf.type(0, "one")
    whole = shelf.library.create().id
    path = tmp_path / "backup.sqlite"
    path.write_bytes(shelf.database.backup())
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE operations SET body = '{}'")
        connection.execute("UPDATE stories SET title = 'Cwm' WHERE id = ?", (shelf.story,))
    done = Restorer(other.database, other.library).restore(path.read_bytes())
    assert ([one.id for one in done.stories], done.damaged) == ([whole], ("Cwm",))


# In the last one a view that never ends stands in the place of a table.
OURS = "PRAGMA user_version = 2; CREATE TABLE operations (a); CREATE "
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("CREATE TABLE notes (a)", "no backup of Coblyn's stories"),
        (OURS.replace("= 2", "= 99") + "TABLE stories (a)", "newer"),
        (OURS + "TABLE stories (a)", "damaged"),
        (f"{OURS}VIEW stories AS {ENDLESS}", "no backup"),
    ],
)
def test_other_databases_earn_a_sentence(
    shelf: Shelf, tmp_path: Path, script: str, words: str
) -> None:
    path = tmp_path / "made.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)
    with pytest.raises(BadRequest, match=words):
        Restorer(shelf.database, shelf.library).restore(path.read_bytes())
    with pytest.raises(BadRequest, match="damaged"):
        Restorer(shelf.database, shelf.library).restore(path.read_bytes()[:100] + b"x" * 5000)


def test_a_query_that_never_ends_is_ended(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coblyn.story.store.restore._MAX_LOOKS", 0)
    monkeypatch.setattr("coblyn.story.store.restore._STEPS", 10)
    shelf.type(0, "one")
    data = shelf.database.backup()
    with pytest.raises(BadRequest, match="interrupted"):
        Restorer(shelf.database, shelf.library).restore(data)


def test_a_column_that_makes_its_own_content_is_not_read(shelf: Shelf, tmp_path: Path) -> None:
    path = tmp_path / "made.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(f"""
            CREATE TABLE stories (id TEXT, created REAL, modified REAL, trashed REAL,
                title TEXT GENERATED ALWAYS AS (hex(zeroblob(1000))));
            CREATE TABLE operations (story TEXT);
            INSERT INTO stories (id, created, modified) VALUES ('a', 1, 1);
            PRAGMA user_version = {VERSION};
        """)
    with pytest.raises(BadRequest, match="no backup of Coblyn's stories"):
        Restorer(shelf.database, shelf.library).restore(path.read_bytes())
