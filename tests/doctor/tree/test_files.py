"""The listing of a tree: every file once, nothing opened, no end that never comes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from coblyn.doctor.tree import files as module
from coblyn.doctor.tree.files import list_files, printable, read_bytes
from coblyn.errors import NotFound
from coblyn.progress import Progress
from doctor.tree.trees import no_root, posix, write


def test_files_and_folders(tmp_path: Path) -> None:
    write(tmp_path, {"a.c": "12345", "src/b.c": "", ".git/config": "", "node_modules/x": ""})
    found = list_files(tmp_path)
    assert set(found.entries) == {"a.c", "src/b.c"}
    assert found.entries["a.c"].size == 5
    assert found.folders[""] == (".git", "a.c", "node_modules", "src")
    assert found.exists("src")
    assert not found.exists("nothing")


def test_names(tmp_path: Path) -> None:
    found = list_files(write(tmp_path, {"src/b.c": ""}))
    assert found.name("src/../src/b.c") == "src/b.c"
    assert found.name(tmp_path / "src" / "b.c") == "src/b.c"
    assert found.name("../x").startswith(tmp_path.parent.as_posix())
    assert found.glob("s*/*.c") == ("src/b.c",)
    assert found.glob("*/nothing") == ()


@posix
def test_what_is_above_a_link_is_where_it_leads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, {"real/project/src/a.c": "", "b.c": ""})
    (tmp_path / "link").symlink_to("real/project/src")
    monkeypatch.chdir(tmp_path)
    assert set(list_files(Path("link/..")).entries) == {"src/a.c"}
    assert list_files(Path("real/../link")).root == tmp_path / "link"


def test_a_file_is_no_tree(tmp_path: Path) -> None:
    write(tmp_path, {"a.c": ""})
    with pytest.raises(NotFound, match="is a file"):
        list_files(tmp_path / "a.c")
    with pytest.raises(NotFound, match="does not exist"):
        list_files(tmp_path / "nowhere")


@posix
def test_loops_pipes_devices_and_odd_names(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "self").symlink_to(tmp_path / "self")
    (tmp_path / "broken").symlink_to("nowhere")
    (tmp_path / "null").symlink_to("/dev/null")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / os.fsdecode(b"\xff\xfe.c")).write_bytes(b"x")
    found = list_files(tmp_path)
    assert set(found.entries) == {os.fsdecode(b"\xff\xfe.c")}
    assert printable(next(iter(found.entries))) == "??.c"
    for name in ("pipe", "null", "broken", "loop"):
        assert read_bytes(tmp_path / name, 100) == b""


@posix
@no_root
def test_what_can_not_be_read_is_noted(tmp_path: Path) -> None:
    write(tmp_path, {"closed/a.c": "", "b.c": ""})
    (tmp_path / "closed").chmod(0)
    try:
        found = list_files(tmp_path)
    finally:
        (tmp_path / "closed").chmod(0o700)
    assert set(found.entries) == {"b.c"}
    assert "closed" in found.notes[0]


def test_a_huge_tree_ends_with_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FILES", 50)
    monkeypatch.setattr(module, "_REPORT_EVERY", 10)
    write(tmp_path, {f"{number}.c": "" for number in range(80)})
    reports: list[Progress] = []
    found = list_files(tmp_path, reports.append)
    assert len(found.entries) <= 51
    assert "left out" in found.notes[0]
    assert [each.done for each in reports] == [10, 20, 30, 40, 50]


def test_deep_folders_end_with_a_note(tmp_path: Path) -> None:
    write(tmp_path, {"/".join(["d"] * 80) + "/a.c": ""})
    assert "too deep" in list_files(tmp_path).notes[0]


def test_printable() -> None:
    assert printable("a\x1b[31m\udcff\n") == "a [31m?"
    assert len(printable("x" * 1000)) == 300
