from __future__ import annotations

import io
import json
import random
import sqlite3
import zipfile
from pathlib import Path
from typing import NoReturn

import pytest

from coblyn.errors import BadRequest, DiskFull
from coblyn.story.changes import Change
from coblyn.story.merge import Conflict
from coblyn.story.operation import Edit, Put
from coblyn.story.record import read_proposed
from coblyn.story.state import NEW, apply
from coblyn.story.store.database import Database, StoriesUnreadable
from coblyn.story.store.journal import AlreadyDone, Journal, StoryNotFound, TooFarBehind
from coblyn.story.store.library import Library
from coblyn.story.store.rows import StoryDamaged
from coblyn.story.text import Text
from story.conftest import Shelf, edit


def test_the_state_is_the_fold_of_all_operations(shelf: Shelf) -> None:
    rng = random.Random(1)
    for _ in range(230):
        length = len(shelf.text)
        at = rng.randint(0, length)
        shelf.type(at, rng.choice(["", "word ", "\n"]), rng.randint(at, min(length, at + 3)))
    version, state = shelf.journal.state(shelf.story)
    folded = NEW
    for record in shelf.journal.records(shelf.story, 0):
        folded, _ = apply(folded, record.operation)
        if record.version in (1, 199, 200, 222):
            assert Journal(shelf.database).state(shelf.story, record.version)[1] == folded
    assert version == 230
    assert folded == state == Journal(shelf.database).state(shelf.story)[1]


def test_the_same_operation_again_does_nothing(shelf: Shelf) -> None:
    first = shelf.do({"id": "a"} | edit(0, "one "), {"id": "b"} | edit(4, "two "))
    again = shelf.do({"id": "a"} | edit(0, "one "), {"id": "b"} | edit(4, "two "), base=0)
    assert (first.version, again.version, again.records) == (2, 2, ())
    more = shelf.do({"id": "b"} | edit(4, "two "), {"id": "c"} | edit(8, "three"), base=1)
    assert (more.version, shelf.text) == (3, "one two three")


def test_a_batch_is_done_as_a_whole_or_not_at_all(shelf: Shelf) -> None:
    with pytest.raises(BadRequest):
        shelf.do(edit(0, "fine"), edit(99, "beyond the end"))
    assert (shelf.text, shelf.journal.version(shelf.story)) == ("", 0)
    shelf.type(0, "after")
    assert shelf.text == "after"


def test_different_paragraphs_merge_in_silence(shelf: Shelf) -> None:
    shelf.type(0, "one\ntwo\nthree")
    shelf.type(3, " and a half", base=1)
    shelf.type(13, "!", base=1)
    assert shelf.text == "one and a half\ntwo\nthree!"


def test_a_batch_that_was_half_known_is_moved_past_what_others_did(shelf: Shelf) -> None:
    shelf.type(0, "one\ntwo\nthree")
    shelf.do({"id": "mine"} | edit(13, "!"), base=1)
    shelf.type(0, "Chapter ", base=2)
    shelf.do({"id": "mine"} | edit(13, "!"), {"id": "next"} | edit(14, "?"), base=1)
    assert shelf.text == "Chapter one\ntwo\nthree!?"


def test_the_same_paragraph_is_told(shelf: Shelf) -> None:
    shelf.type(0, "one\ntwo")
    shelf.type(3, " here", base=1)
    with pytest.raises(Conflict) as caught:
        shelf.type(0, "there ", base=1)
    assert (caught.value.index, caught.value.scope, shelf.text) == (0, "text/main", "one here\ntwo")


def test_paragraphs_are_found_beyond_characters_of_two_units(shelf: Shelf) -> None:
    shelf.type(0, "🐉🐉🐉\ntwo")
    shelf.type(10, "!", base=1)
    shelf.type(0, "A ", base=1)
    assert shelf.text == "A 🐉🐉🐉\ntwo!"


def test_the_same_place_is_told_unless_both_say_the_same(shelf: Shelf) -> None:
    memory = {"kind": "put", "place": "memory", "value": "A mine."}
    shelf.do(memory)
    shelf.do({"kind": "put", "place": "lore/lamp", "value": {"keys": ["lamp"]}}, base=0)
    shelf.do(memory, base=0)
    with pytest.raises(Conflict) as caught:
        shelf.do(memory | {"value": "A hall."}, base=0)
    assert (caught.value.scope, shelf.place("memory")) == ("memory", "A mine.")


def test_a_version_that_is_not_there_yet_is_refused(shelf: Shelf) -> None:
    with pytest.raises(TooFarBehind):
        shelf.type(0, "x", base=7)


def test_a_batch_is_repeated_on_an_old_version_within_the_bound_for_what_others_did(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coblyn.story.store.journal.MAX_BEHIND", 2)
    mine = [{"id": name, **edit(0, name)} for name in "abc"]
    shelf.do(*mine, base=0)
    shelf.type(0, "x")
    shelf.type(0, "y")
    assert shelf.do(*mine, base=0).records == ()
    shelf.type(0, "z")
    with pytest.raises(AlreadyDone):
        shelf.do(*mine, base=0)
    with pytest.raises(TooFarBehind) as caught:
        shelf.do(*mine, {"id": "d", **edit(0, "d")}, base=0)
    assert caught.value.code == "too_far_behind"
    assert shelf.text == "zyxcba"


def test_removed_things_go_to_the_trash_and_come_back(shelf: Shelf) -> None:
    entry = {"keys": ["lamp"]}
    shelf.do({"kind": "put", "place": "lore/lamp", "value": entry})
    shelf.do({"kind": "remove", "place": "lore/lamp"})
    state = shelf.journal.state(shelf.story)[1]
    assert ("lore/lamp" in state.places, state.trash) == (False, {"lore/lamp": entry})
    assert shelf.undo("lore/lamp") == 1
    assert shelf.place("lore/lamp") == entry


def test_a_branch_shares_what_stands_before_it(shelf: Shelf) -> None:
    shelf.type(0, "He took the left way.", piece="p1")
    shelf.do({"kind": "branch", "branch": "b", "parent": "main", "at": 12, "name": "Right"})
    shelf.do({"kind": "select", "branch": "b"})
    state = shelf.journal.state(shelf.story)[1]
    assert (shelf.text, state.text("b").runs) == ("He took the ", ((12, "p1"),))
    assert state.to_json()["branches"]["b"]["name"] == "Right"


@pytest.mark.parametrize(
    "operation",
    [
        {"kind": "edit", "branch": "none", "changes": []},
        {"kind": "put", "place": "elsewhere", "value": 1},
        {"kind": "put", "place": "memory", "value": 1},
        {"kind": "put", "place": "memory"},
        {"kind": "put", "place": "lore/", "value": {}},
        {"kind": "put", "place": "branch/none", "value": {}},
        {"kind": "branch", "branch": "b", "at": 99},
        {"kind": "branch", "branch": "main"},
        {"kind": "dance"},
        {"kind": "edit", "branch": "main", "changes": [], "id": "no spaces"},
    ],
)
def test_what_cannot_be_done_is_refused(shelf: Shelf, operation: dict[str, object]) -> None:
    with pytest.raises(BadRequest):
        shelf.do(operation)
    assert shelf.journal.version(shelf.story) == 0


def test_a_damaged_record_is_no_empty_story(shelf: Shelf) -> None:
    for text in ("one ", "two ", "three "):
        shelf.type(len(shelf.text), text)
    with sqlite3.connect(shelf.path) as connection:
        connection.execute(
            "UPDATE operations SET body = replace(body, 'two', '2') WHERE version = 2"
        )
    connection.close()
    journal = Journal(shelf.database)
    with pytest.raises(StoryDamaged) as caught:
        journal.state(shelf.story)
    assert caught.value.version == 2
    assert journal.state(shelf.story, 1)[1].text("main").text == "one "
    with pytest.raises(StoryDamaged):
        journal.append(shelf.story, 3, "tab", [read_proposed({"id": "x"} | edit(0, "new"))])
    copy = shelf.library.copy(shelf.story, 1)
    assert journal.state(copy.id)[1].text("main").text == "one "


def test_a_missing_record_is_no_shorter_story(shelf: Shelf) -> None:
    shelf.type(0, "one")
    shelf.type(3, "two")
    with sqlite3.connect(shelf.path) as connection:
        connection.execute("DELETE FROM operations WHERE version = 2")
    connection.close()
    with pytest.raises(StoryDamaged):
        Journal(shelf.database).state(shelf.story)


@pytest.mark.parametrize("content", [b"no database" * 200, b"SQLite format 3\0" + b"x" * 5000])
def test_a_bad_file_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_bytes(content)
    with pytest.raises(StoriesUnreadable):
        Database(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("statement", ["PRAGMA user_version = 99", "CREATE TABLE other (a)"])
def test_a_file_of_others_is_left_as_it_is(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "journal.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute(statement)
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoriesUnreadable):
        Database(path)
    assert path.read_bytes() == before


def test_the_trash_keeps_stories_until_it_is_emptied(shelf: Shelf) -> None:
    shelf.type(0, "kept")
    shelf.library.trash(shelf.story)
    assert (shelf.library.listed().stories, len(shelf.library.listed(is_trash=True).stories)) == (
        [],
        1,
    )
    shelf.library.trash(shelf.story, is_out=True)
    assert shelf.text == "kept"
    shelf.library.trash(shelf.story)
    assert shelf.library.empty_trash() == 1
    with pytest.raises(StoryNotFound):
        shelf.library.get(shelf.story)


def test_search_follows_the_journal(shelf: Shelf) -> None:
    shelf.type(0, "The Lamp went out.\n" + "filler\n" * 600 + "她点亮了灯。🐉 The lamp again.")
    shelf.do(
        {"kind": "put", "place": "lore/lamp", "value": {"keys": ["lamp"], "content": "It knocks."}}
    )
    hits = shelf.index.search("lamp").hits
    text = shelf.text
    for hit in hits:
        if hit.place == "text/main":
            raw = text.encode("utf-16-le")[2 * hit.start : 2 * hit.end].decode("utf-16-le")
            assert raw.lower() == "lamp"
    assert {hit.place for hit in hits} == {"text/main", "lore/lamp"}
    assert [hit.place for hit in shelf.index.search("点亮").hits] == ["text/main"]
    assert [hit.place for hit in shelf.index.search("knocks it").hits] == ["lore/lamp"]
    for query in ('"; DROP % _', "a\0bcd", "\0\0\0", "NEAR(", "*", '""'):
        assert shelf.index.search(query).hits == []
    shelf.type(0, "", 8)
    assert len(shelf.index.search("lamp").hits) == 2
    shelf.library.trash(shelf.story)
    assert shelf.index.search("lamp").hits == []


def test_the_index_is_the_same_however_it_came_about(shelf: Shelf) -> None:
    rng = random.Random(5)
    for _ in range(6):
        for _ in range(20):
            at = rng.randint(0, len(shelf.text))
            text = "".join(rng.choice(["lamp ", "mine\n", "你", "word "]) for _ in range(30))
            shelf.type(at, text, rng.randint(at, min(len(shelf.text), at + 40)))
        shelf.index.refresh()
        query = "SELECT place, start, text FROM passages WHERE story = ? ORDER BY start"
        rows = shelf.database.connection.execute(query, (shelf.story,)).fetchall()
        assert "".join(text for _, _, text in rows) == shelf.text
        assert [start for _, start, _ in rows] == [
            len("".join(text for _, _, text in rows[:n]).encode("utf-16-le")) // 2
            for n in range(len(rows))
        ]


def test_what_branches_share_is_found_once_on_the_branch_that_is_written_on(shelf: Shelf) -> None:
    filler = "".join(f"Line {number}.\n" for number in range(600))
    shelf.type(0, f"The lamp went out.\n{filler}A heron stood there.")
    for name in "ab":
        shelf.do({"kind": "branch", "branch": name, "parent": "main"})
    shelf.do(edit(0, "Nobody knocked. ", branch="a"))
    assert [hit.place for hit in shelf.index.search("heron").hits] == ["text/main"]
    assert {hit.place for hit in shelf.index.search("lamp").hits} == {"text/main", "text/a"}
    shelf.do({"kind": "select", "branch": "a"})
    (hit,) = shelf.index.search("heron").hits
    text = shelf.journal.state(shelf.story)[1].text("a").text
    assert (hit.place, text[hit.start : hit.end]) == ("text/a", "heron")
    shelf.do(edit(0, "", len(text), branch="a"))
    assert [hit.place for hit in shelf.index.search("heron").hits] == ["text/main"]
    assert shelf.index.search("nobody").hits == []


def test_a_list_tells_how_stories_begin(shelf: Shelf) -> None:
    shelf.type(0, "The lamp\nwent out.")
    (one,) = shelf.library.listed().stories
    assert (one.words, one.preview) == (4, "The lamp went out.")


def write(shelf: Shelf, title: str, text: str) -> str:
    """Another story, changed last."""
    put = Put("title", title)
    return shelf.library.create([put, Edit("main", (Change(0, 0, Text.of(text)),))]).id


def test_a_list_comes_in_parts_and_by_title(shelf: Shelf) -> None:
    names = [write(shelf, f"Ärger {number}", "A lamp.") for number in range(5)]
    newest = [*reversed(names), shelf.story]
    parts = [shelf.library.listed(limit=4, offset=offset) for offset in (0, 4, 8)]
    assert [part.num_stories for part in parts] == [6, 6, 6]
    assert [one.id for part in parts for one in part.stories] == newest
    named = shelf.library.listed(title="äRGER", limit=2, offset=1)
    assert ([one.id for one in named.stories], named.num_stories) == (newest[1:3], 5)
    for sign in "%_'\"\0":
        assert shelf.library.listed(title=sign).num_stories == 0
    shelf.library.trash(names[0])
    trash = shelf.library.listed(is_trash=True, title="0", limit=1)
    assert ([one.id for one in trash.stories], trash.num_stories) == ([names[0]], 1)
    assert shelf.library.listed(limit=1).num_stories == 5


def test_a_list_in_parts_uses_an_index(shelf: Shelf) -> None:
    query = (
        "EXPLAIN QUERY PLAN SELECT id FROM stories WHERE trashed IS {} ORDER BY modified DESC, id"
    )
    for condition, index in (("NULL", "stories_by_time"), ("NOT NULL", "trash_by_time")):
        (row,) = shelf.database.connection.execute(query.format(condition))
        assert index in row[-1]


def test_search_gives_each_story_once_and_counts_all(shelf: Shelf) -> None:
    filler = "Nobody spoke.\n" * 600
    names = [write(shelf, f"Lamp {n}", f"A lamp.\n{filler}A lamp.") for n in range(4)]
    only_title = write(shelf, "Under the lamp", "Dark.")
    shelf.library.trash(names[3])
    found = shelf.index.search("lamp", 3, one_each=True)
    assert [hit.story for hit in found.hits] == [only_title, names[2], names[1]]
    assert [hit.place for hit in found.hits] == ["title", "text/main", "text/main"]
    assert (found.num_hits, found.num_unread) == (4, 0)
    rest = shelf.index.search("lamp", 3, 3, one_each=True)
    assert ([hit.story for hit in rest.hits], rest.num_hits) == ([names[0]], 4)
    assert shelf.index.search("lamp").num_hits == 10
    assert [
        hit.story for hit in shelf.index.search("la", -1, one_each=True, is_trash=True).hits
    ] == [names[3]]
    short = shelf.index.search("la", 3, one_each=True)
    assert ([hit.story for hit in short.hits], short.num_hits) == ([only_title, *names[2:0:-1]], 4)
    assert [hit.place for hit in short.hits] == ["title", "text/main", "text/main"]
    shelf.library.trash(names[0])  # what was kept of the last answer is out of date
    assert shelf.index.search("lamp", 3, one_each=True).num_hits == 3


def test_an_index_that_has_no_time_is_brought_up_to_date_step_by_step(shelf: Shelf) -> None:
    names = [write(shelf, "", f"Lamp {number}.") for number in range(3)]
    shelf.type(0, "The lamp burns.")
    damaged = names[-1]
    update = "UPDATE operations SET body = 'x' WHERE story = ?"
    shelf.database.connection.execute(update, (damaged,))
    shelf.database.connection.execute("DELETE FROM snapshots")
    shelf.journal.forget(damaged)
    found = [shelf.index.search("lamp", seconds=-1) for _ in range(2)]
    assert [(one.num_hits, one.num_unread) for one in found] == [(1, 3), (2, 1)]
    assert shelf.index.search("lamp").num_hits == 3


def test_the_trash_is_emptied_many_at_a_time(shelf: Shelf) -> None:
    for number in range(120):
        shelf.library.trash(write(shelf, f"Story {number}", "A lamp."))
    shelf.index.refresh()
    assert shelf.library.empty_trash() == 120
    for table in ("passages", "operations"):
        count = shelf.database.connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        assert count == (0,)
    assert shelf.library.listed().num_stories == 1


def test_a_file_of_the_first_version_is_brought_to_the_newest(shelf: Shelf) -> None:
    shelf.type(0, "kept")
    shelf.database.connection.execute("ALTER TABLE stories DROP COLUMN summarized")
    shelf.database.connection.execute("PRAGMA user_version = 1")
    again = Database(shelf.path)
    assert Library(again, Journal(again)).listed().stories[0].preview == "kept"
    again.close()


def test_a_story_goes_out_and_comes_back_with_all_that_happened(shelf: Shelf) -> None:
    shelf.type(0, "one 🐉", piece="p")
    shelf.do({"kind": "put", "place": "title", "value": "灯"})
    shelf.undo("text/main")
    data = shelf.transfer.export(shelf.story)
    copy = shelf.transfer.import_story(data).id
    assert shelf.journal.state(copy) == shelf.journal.state(shelf.story)
    old, new = (shelf.journal.records(story, 0) for story in (shelf.story, copy))
    assert old == new
    assert len(shelf.journal.redo(copy, "text/main", "tab", "r").records) == 1


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 no zip", b"\0" * 100])
def test_a_bad_story_file_makes_no_story(shelf: Shelf, damage: bytes) -> None:
    with pytest.raises(BadRequest):
        shelf.transfer.import_story(damage)
    assert len(shelf.library.listed().stories) == 1


def test_a_damaged_story_file_makes_no_story(shelf: Shelf) -> None:
    shelf.type(0, "one")
    data = bytearray(shelf.transfer.export(shelf.story))
    for at in range(0, len(data), 7):
        bad = bytes(data[:at]) + bytes([data[at] ^ 0x55]) + bytes(data[at + 1 :])
        try:
            story = shelf.transfer.import_story(bad).id
        except BadRequest:
            continue
        assert shelf.journal.state(story)[1].text("main").text == "one"


def test_a_story_file_of_somebody_else_cannot_mislead_the_journal(shelf: Shelf) -> None:
    shelf.type(0, "one")
    shelf.do({"kind": "put", "place": "memory", "value": "A mine."})
    with zipfile.ZipFile(io.BytesIO(shelf.transfer.export(shelf.story))) as archive:
        head = archive.read("story.json")
        lines = [json.loads(line) for line in archive.read("journal.jsonl").splitlines()]
    lines[1] |= {
        "scope": "text/main",
        "inverse": {"kind": "select", "branch": "main"},
        "unit": "op0",
    }
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("story.json", head)
        archive.writestr("journal.jsonl", "\n".join(map(json.dumps, lines)))
    shelf.story = shelf.transfer.import_story(target.getvalue()).id
    assert shelf.undo("text/main") == 2
    assert (shelf.text, shelf.place("memory")) == ("", None)


@pytest.mark.parametrize(
    "change", [{"id": "op0"}, {"time": float("inf")}, {"version": 7}, {"role": "x"}]
)
def test_a_story_file_that_cannot_be_is_refused(shelf: Shelf, change: dict[str, object]) -> None:
    shelf.type(0, "one")
    shelf.type(3, "two")
    with zipfile.ZipFile(io.BytesIO(shelf.transfer.export(shelf.story))) as archive:
        head = archive.read("story.json")
        first, second = archive.read("journal.jsonl").splitlines()
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("story.json", head)
        archive.writestr(
            "journal.jsonl", first + b"\n" + json.dumps(json.loads(second) | change).encode()
        )
    with pytest.raises(BadRequest):
        shelf.transfer.import_story(target.getvalue())
    assert len(shelf.library.listed().stories) == 1


def test_a_full_disk_loses_nothing(shelf: Shelf) -> None:
    shelf.type(0, "kept ")
    connection = shelf.database.connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(DiskFull):
        shelf.type(5, "word " * 100_000)
    assert (shelf.text, shelf.journal.version(shelf.story)) == ("kept ", 1)
    connection.execute("PRAGMA max_page_count = 1000000")
    shelf.type(5, "again")
    assert shelf.text == "kept again"


def test_on_a_full_disk_stories_are_listed_read_and_found(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.type(0, "The lamp")
    assert shelf.index.search("lamp").num_hits == 1
    assert shelf.library.get(shelf.story).preview == "The lamp"
    shelf.type(8, " and the wick")  # what is known of the story follows when it is asked for

    def writing() -> NoReturn:
        raise DiskFull("There is no room left.")

    with monkeypatch.context() as full:
        full.setattr(shelf.database, "writing", writing)
        assert shelf.library.get(shelf.story).preview == "The lamp"
        assert len(shelf.library.listed().stories) == 1
        found = shelf.index.search("lamp")
        assert (found.num_hits, found.num_unread) == (1, 1)
        assert shelf.text == "The lamp and the wick"
    assert shelf.library.get(shelf.story).preview == "The lamp and the wick"
    assert shelf.index.search("wick").num_hits == 1


def test_a_backup_is_a_file_of_stories(shelf: Shelf, tmp_path: Path) -> None:
    shelf.type(0, "kept")
    (tmp_path / "copy.sqlite").write_bytes(shelf.database.backup())
    copy = Database(tmp_path / "copy.sqlite")
    assert Journal(copy).state(shelf.story) == shelf.journal.state(shelf.story)
    copy.close()
