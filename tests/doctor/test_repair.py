"""Moves aside, a journal, and moves back; nothing is lost whatever happens in between."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coblyn.doctor.finding import Step, StepKind
from coblyn.doctor.repair import KEEPING, repair, undo
from coblyn.errors import BadRequest, NotFound
from doctor.tree.trees import posix

TODAY = dt.date(2024, 6, 18)


def contents(root: Path) -> dict[str, str]:
    """Every file of a tree, but for the doctor's own."""
    return {
        path.relative_to(root).as_posix(): path.read_text()
        for path in root.rglob("*")
        if path.is_file() and KEEPING not in path.parts
    }


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "build").mkdir(parents=True)
    (root / "Makefile.local").write_text("old rules")
    (root / "main.o").write_text("object")
    (root / "build" / "CMakeCache.txt").write_text("cache")
    return root


def steps(root: Path) -> list[Step]:
    return [
        Step(StepKind.ASIDE, root / "Makefile.local", "defines all again"),
        Step(StepKind.CLEAR, root / "main.o", "was built from it"),
        Step(StepKind.CLEAR, root / "build", "was made for another place"),
    ]


def test_a_file_of_the_user_gets_a_dated_name_and_what_was_built_goes_away(tree: Path) -> None:
    moves = repair(tree, steps(tree), TODAY)
    assert contents(tree) == {"Makefile.local.old-2024-06-18": "old rules"}
    assert (moves[0].source, moves[0].reason) == ("Makefile.local", "defines all again")
    assert not (tree / "build").exists()
    assert (tree / KEEPING / ".gitignore").read_text() == "*\n"


def test_undo_brings_everything_back(tree: Path) -> None:
    before = contents(tree)
    repair(tree, steps(tree), TODAY)
    assert [move.source for move in undo(tree)] == ["build", "main.o", "Makefile.local"]
    assert contents(tree) == before
    with pytest.raises(NotFound, match="Nothing is there to undo"):
        undo(tree)


def test_fixes_are_undone_one_by_one_the_last_first(tree: Path) -> None:
    repair(tree, steps(tree)[:1], TODAY)
    repair(tree, steps(tree)[1:], TODAY)
    undo(tree)
    assert sorted(contents(tree)) == [
        "Makefile.local.old-2024-06-18",
        "build/CMakeCache.txt",
        "main.o",
    ]
    undo(tree)
    assert (tree / "Makefile.local").read_text() == "old rules"


def test_the_same_fix_on_the_same_day_overwrites_nothing(tree: Path) -> None:
    repair(tree, steps(tree)[:1], TODAY)
    (tree / "Makefile.local").write_text("came back")
    repair(tree, steps(tree)[:1], TODAY)
    assert (tree / "Makefile.local.old-2024-06-18").read_text() == "old rules"
    assert (tree / "Makefile.local.old-2024-06-18-2").read_text() == "came back"


def test_undo_keeps_what_was_built_meanwhile(tree: Path) -> None:
    repair(tree, steps(tree), TODAY)
    (tree / "main.o").write_text("new object")
    undo(tree)
    assert (tree / "main.o").read_text() == "object"
    kept = [path for path in (tree / KEEPING).rglob("main.o") if path.is_file()]
    assert [path.read_text() for path in kept] == ["new object"]


def test_undo_does_not_touch_a_new_file_of_the_user(tree: Path) -> None:
    repair(tree, steps(tree), TODAY)
    (tree / "Makefile.local").write_text("new settings")
    with pytest.raises(BadRequest, match="exists again"):
        undo(tree)
    assert (tree / "Makefile.local").read_text() == "new settings"
    assert not (tree / "main.o").exists(), "nothing is undone by halves"
    (tree / "Makefile.local").unlink()
    assert len(undo(tree)) == 3


def test_what_is_gone_already_is_passed_over(tree: Path) -> None:
    (tree / "main.o").unlink()
    assert len(repair(tree, steps(tree), TODAY)) == 2


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 1)])
def test_steps_of_several_findings_may_overlap(tree: Path, order: tuple[int, ...]) -> None:
    before = contents(tree)
    inner = tree / "build" / "CMakeCache.txt"
    paths = (inner, tree / "build", inner)
    wanted = [Step(StepKind.CLEAR, paths[each], f"finding {each}") for each in order]
    assert repair(tree, wanted, TODAY)
    assert "build/CMakeCache.txt" not in contents(tree)
    undo(tree)
    assert contents(tree) == before


def test_nothing_outside_the_tree_is_touched(tree: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.o"
    outside.write_text("mine")
    (tree / "sub").symlink_to(tmp_path)
    for path in (outside, tree / ".." / "outside.o", tree / "sub" / "outside.o", tree):
        with pytest.raises(BadRequest, match="outside"):
            repair(tree, [Step(StepKind.CLEAR, path, "")], TODAY)
    assert outside.read_text() == "mine"


def test_a_link_itself_is_moved_and_not_what_it_points_to(tree: Path, tmp_path: Path) -> None:
    target = tmp_path / "settings"
    target.write_text("mine")
    (tree / "linked.local").symlink_to(target)
    repair(tree, [Step(StepKind.ASIDE, tree / "linked.local", "")], TODAY)
    assert target.read_text() == "mine"
    assert not (tree / "linked.local").is_symlink()
    undo(tree)
    assert (tree / "linked.local").readlink() == target


def test_the_keeping_may_not_lead_elsewhere(tree: Path, tmp_path: Path) -> None:
    (tree / KEEPING).symlink_to(tmp_path)
    with pytest.raises(BadRequest, match="link"):
        repair(tree, steps(tree), TODAY)
    assert (tree / "main.o").exists()


def test_a_fix_that_was_cut_short_can_be_undone(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(tree)
    rename = Path.rename

    def fail_at_the_second(self: Path, target: Path) -> Path:
        if self.name == "main.o":
            raise PermissionError(13, "Permission denied")
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", fail_at_the_second)
        with pytest.raises(BadRequest, match=r"main\.o cannot be moved.*Permission denied"):
            repair(tree, steps(tree), TODAY)
    undo(tree)
    assert contents(tree) == before


@settings(max_examples=50, deadline=None)
@given(st.lists(st.one_of(st.text(max_size=30), st.dictionaries(st.text(max_size=6), st.integers())
                          .map(json.dumps), st.just('{"fix": 1, "kind": "x"}'),
                          st.just('{"fix": "a", "kind": "clear", "source": "a", "target": 1, "reason": ""}'),
                          st.just('{"undone": [1]}')), max_size=5))  # fmt: skip
def test_a_broken_journal_is_no_crash(tmp_path_factory: pytest.TempPathFactory, lines) -> None:
    root = tmp_path_factory.mktemp("tree")
    (root / KEEPING).mkdir()
    (root / KEEPING / "journal.jsonl").write_text("\n".join(lines), "utf-8")
    with pytest.raises(NotFound):
        undo(root)


@pytest.mark.parametrize(
    "journal",
    [
        b'{"undone": 1, "fix": "a"}\n{"undone": 2, "fix": 3}',
        b"\xff\xfe\n",
        b"[" * 100_000,
        b'{"fix": 1, "kind": "clear", "source": "a\\u0000/b", "target": "c", "reason": ""}',
    ],
)
def test_a_journal_of_a_stranger_is_no_crash(tree: Path, journal: bytes) -> None:
    (tree / KEEPING).mkdir()
    (tree / KEEPING / "journal.jsonl").write_bytes(journal)
    with pytest.raises(NotFound):
        undo(tree)
    assert len(repair(tree, steps(tree), TODAY)) == 3
    assert len(undo(tree)) == 3


def test_undo_of_a_file_is_refused(tree: Path) -> None:
    with pytest.raises(NotFound, match="Nothing is there to undo"):
        undo(tree / "main.o")


@posix
def test_a_journal_that_is_a_link_or_a_pipe_is_left_alone(tree: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_text("mine")
    journal = tree / KEEPING / "journal.jsonl"
    journal.parent.mkdir()
    for spoil in (lambda: journal.symlink_to(mine), lambda: os.mkfifo(journal)):
        spoil()
        for act in (lambda: repair(tree, steps(tree), TODAY), lambda: undo(tree)):
            with pytest.raises(BadRequest, match="not an ordinary file"):
                act()
        journal.unlink()
    assert mine.read_text() == "mine"
    assert (tree / "main.o").exists()


@posix
def test_nothing_is_cleared_out_of_the_tree(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tree / KEEPING).mkdir()
    (tree / KEEPING / "1").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadRequest, match="outside"):
        repair(tree, steps(tree)[1:], TODAY)
    assert (tree / "main.o").exists()


def test_a_journal_that_points_outside_is_refused(tree: Path, tmp_path: Path) -> None:
    (tree / KEEPING).mkdir()
    entry = {"fix": 1, "kind": "clear", "source": "../evil", "target": "main.o", "reason": ""}
    (tree / KEEPING / "journal.jsonl").write_text(json.dumps(entry))
    with pytest.raises(BadRequest, match="outside"):
        undo(tree)
    assert (tree / "main.o").exists()
