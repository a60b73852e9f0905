"""What git knows, without anything of the repository being run."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from coblyn.doctor.tree.git import read_git
from doctor.tree.trees import git, needs_git, posix, write


@needs_git
def test_tracked_ignored_untracked(tmp_path: Path) -> None:
    write(tmp_path, {"a": "", "b": "", "c": "", "sub/d": "", ".gitignore": "b\n"})
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "a", ".gitignore", "sub/d")
    known = read_git(tmp_path, ["a", "b", "c", "sub/d", "nowhere", "/outside", "../outside"])
    assert [known.says(name) for name in ("a", "b", "c", "sub/d")] == [
        "tracked",
        "ignored",
        "untracked",
        "tracked",
    ]
    inner = read_git(tmp_path / "sub", ["d"])
    assert inner.says("d") == "tracked"


@needs_git
def test_what_git_says_besides_is_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"a": "", "b": ""})
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "a", "b")
    monkeypatch.setenv("GIT_TRACE_SETUP", "1")
    assert read_git(tmp_path, ["a", "b"]).tracked == {"a", "b"}


def test_outside_of_a_repository(tmp_path: Path) -> None:
    known = read_git(write(tmp_path, {"a": ""}), ["a"])
    assert not known.is_repository
    assert known.says("a") == ""


def test_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".git").mkdir()
    monkeypatch.setenv("PATH", "")
    assert not read_git(tmp_path, ["a"]).is_repository


@needs_git
def test_a_broken_repository_is_none(tmp_path: Path) -> None:
    write(tmp_path, {".git/config": "nonsense", "a": ""})
    assert not read_git(tmp_path, ["a"]).is_repository


@needs_git
@posix
def test_a_hostile_repository_runs_nothing(tmp_path: Path) -> None:
    mark = tmp_path.parent / f"{tmp_path.name}-pwned"
    write(tmp_path, {"a": "", "evil.sh": f"#!/bin/sh\ntouch {mark}\n"})
    script = tmp_path / "evil.sh"
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "a")
    for name in ("core.fsmonitor", "core.pager", "core.editor", "diff.external", "filter.x.clean"):
        git(tmp_path, "config", name, str(script))
    git(tmp_path, "config", "core.hooksPath", str(tmp_path))
    (tmp_path / "post-index-change").symlink_to(script)
    write(tmp_path, {".gitattributes": "* filter=x diff=x\n"})
    assert read_git(tmp_path, ["a"]).says("a") == "tracked"
    assert not mark.exists()


@needs_git
def test_names_that_look_like_options_or_patterns(tmp_path: Path) -> None:
    write(tmp_path, {"--help": "", "*.c": "", "b.c": ""})
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "b.c")
    known = read_git(tmp_path, ["--help", "*.c", "b.c"])
    assert [known.says(name) for name in ("--help", "*.c", "b.c")] == [
        "untracked",
        "untracked",
        "tracked",
    ]
