"""The llama.cpp tree: its digest, unpacking it, and trees of the user."""

from __future__ import annotations

import io
import tarfile
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from coblyn import paths
from coblyn.errors import BuildFailed, ChecksumMismatch
from coblyn.native import source
from coblyn.native.lock import Lock, load_lock

if TYPE_CHECKING:
    from pathlib import Path

PREFIX = "pkg-1.0/vendor/llama.cpp/"
FILES = {
    "CMakeLists.txt": b"project(llama)\n",
    "include/llama.h": b"#pragma once\n",
    "src/llama.cpp": b"int f() { return 1; }\n",
}


def make_tree(root: Path, files: dict[str, bytes] = FILES) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def make_archive(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


@pytest.fixture
def lock(tmp_path: Path) -> Lock:
    parts = ("CMakeLists.txt", "include", "src")
    digest = source.tree_digest(make_tree(tmp_path / "for-lock"), parts)
    return replace(load_lock(), digest=digest, parts=parts)


def archive_of(files: dict[str, bytes]) -> dict[str, bytes]:
    return {PREFIX + name: content for name, content in files.items()}


class TestDigest:
    """The digest knows content and names, and nothing else."""

    def test_it_is_stable(self, tmp_path: Path) -> None:
        first, second = make_tree(tmp_path / "a"), make_tree(tmp_path / "b")
        assert source.tree_digest(first, ["src"]) == source.tree_digest(second, ["src"])

    @pytest.mark.parametrize(
        "change",
        [
            {"src/llama.cpp": b"int f() { return 2; }\n"},
            {"src/more.cpp": b""},
            {"include/llama.h": b""},
        ],
    )
    def test_any_change_shows(self, tmp_path: Path, change: dict[str, bytes]) -> None:
        parts = ["src", "include"]
        before = source.tree_digest(make_tree(tmp_path), parts)
        assert source.tree_digest(make_tree(tmp_path, change), parts) != before

    def test_what_is_outside_the_parts_does_not_show(self, tmp_path: Path) -> None:
        before = source.tree_digest(make_tree(tmp_path), ["src"])
        more = {"README.md": b"x", "src/.DS_Store": b"x", "src/__pycache__/a.pyc": b"x"}
        assert source.tree_digest(make_tree(tmp_path, more), ["src"]) == before


class TestExtract:
    """What comes out of an archive is the pinned tree, or nothing."""

    def test_only_the_parts_come_out(self, tmp_path: Path, lock: Lock) -> None:
        more = archive_of({**FILES, "examples/x.cpp": b"x"}) | {"pkg-1.0/setup.py": b"x"}
        target = tmp_path / "sources" / "tree"
        source.extract(make_archive(tmp_path / "a.tar.gz", more), PREFIX, target, lock)
        found = {
            path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()
        }
        assert found == {*FILES, ".coblyn-digest"}

    def test_another_tree_is_refused(self, tmp_path: Path, lock: Lock) -> None:
        changed = archive_of({**FILES, "src/llama.cpp": b"int f() { return 666; }\n"})
        target = tmp_path / "sources" / "tree"
        with pytest.raises(ChecksumMismatch, match="tree digest"):
            source.extract(make_archive(tmp_path / "a.tar.gz", changed), PREFIX, target, lock)
        assert list(target.parent.iterdir()) == []

    def test_a_file_that_is_no_archive_is_named(self, tmp_path: Path, lock: Lock) -> None:
        archive = tmp_path / "a.tar.gz"
        archive.write_bytes(b"not an archive")
        with pytest.raises(ChecksumMismatch, match=r"a\.tar\.gz cannot be unpacked"):
            source.extract(archive, PREFIX, tmp_path / "s" / "tree", lock)

    def test_a_truncated_archive_is_named(self, tmp_path: Path, lock: Lock) -> None:
        whole = make_archive(tmp_path / "a.tar.gz", archive_of(FILES)).read_bytes()
        archive = tmp_path / "cut.tar.gz"
        archive.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(ChecksumMismatch, match=r"cut\.tar\.gz"):
            source.extract(archive, PREFIX, tmp_path / "s" / "tree", lock)
        assert list((tmp_path / "s").iterdir()) == []

    def test_nothing_is_written_outside(self, tmp_path: Path, lock: Lock) -> None:
        ways = ["src/../../../../evil", "src/a\\..\\..\\..\\evil", "src/C:evil"]
        evil = archive_of(dict.fromkeys(ways, b"x")) | archive_of(FILES)
        archive = make_archive(tmp_path / "a.tar.gz", evil)
        source.extract(archive, PREFIX, tmp_path / "s" / "tree", lock)
        assert not list(tmp_path.rglob("*evil*"))

    def test_what_a_kill_left_is_swept(self, tmp_path: Path, lock: Lock) -> None:
        target = tmp_path / "sources" / "tree"
        make_tree(target.parent / ".new-old")
        source.extract(make_archive(tmp_path / "a.tar.gz", archive_of(FILES)), PREFIX, target, lock)
        assert [path.name for path in target.parent.iterdir()] == ["tree"]


class TestUserSource:
    """A directory of the user is known by its digest."""

    def test_a_directory_that_is_no_tree_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(BuildFailed, match=r"not a llama\.cpp source tree"):
            source.user_source(tmp_path)

    def test_another_tree_is_allowed_and_named(self, tmp_path: Path) -> None:
        found = source.user_source(make_tree(tmp_path / "mine"))
        assert not found.is_pinned
        assert "not the pinned tree" in found.origin
        assert found.commit.startswith("custom-")
        assert source.obtain(found) == tmp_path / "mine"


def test_the_pinned_tree_lies_in_the_cache() -> None:
    found = source.pinned_source()
    assert found.path.is_relative_to(paths.cache())
    assert found.digest == load_lock().digest


def test_the_second_source_is_used_when_the_first_fails(tmp_path: Path, lock, monkeypatch) -> None:
    from coblyn.errors import FetchError

    archive = make_archive(
        tmp_path / "up.tar.gz", {f"llama.cpp-x/{n}": c for n, c in FILES.items()}
    )
    lock = replace(lock, archive=replace(lock.archive, url=archive.as_uri(), prefix="llama.cpp-x/"))
    monkeypatch.setattr(source, "load_lock", lambda: lock)

    def no_index(package, report):
        raise FetchError("No index can be reached.")

    monkeypatch.setattr(source, "_fetch_package", no_index)
    tree = source.obtain(source.pinned_source())
    assert (tree / "src" / "llama.cpp").read_bytes() == FILES["src/llama.cpp"]
    assert source.obtain(source.pinned_source()) == tree  # the stamp is enough


def test_when_no_source_answers_both_reasons_are_given(lock, monkeypatch) -> None:
    from coblyn.errors import FetchError

    gone = replace(lock, archive=replace(lock.archive, url="file:///no/such/archive.tar.gz"))
    monkeypatch.setattr(source, "load_lock", lambda: gone)

    def no_index(package, report):
        raise FetchError("No index can be reached.")

    monkeypatch.setattr(source, "_fetch_package", no_index)
    with pytest.raises(FetchError, match="No index can be reached") as caught:
        source.obtain(source.pinned_source())
    assert "--source" in caught.value.hint
