from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import typer

from coblyn import paths
from coblyn.cli.verify import verify as verify_command
from coblyn.errors import ModelError
from coblyn.models import digests, store
from coblyn.models.verify import verify
from coblyn.workshop.split import open_whole, split, split_by_tensors
from gguf_file import tiny_gguf, whole_model


def put(name: str, data: bytes) -> Path:
    path = paths.models() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


class TestVerify:
    def test_a_whole_model(self) -> None:
        path = put("a.gguf", tiny_gguf().data)
        found = verify(path)
        assert (found.problem, found.num_files, found.num_tensors) == ("", 1, 2)
        assert found.num_digests == 0

    def test_a_changed_byte_is_found_where_the_digest_is_known(self) -> None:
        data = tiny_gguf().data
        path = put("a.gguf", data)
        digests.remember(path, hashlib.sha256(data).hexdigest())
        assert verify(path).num_digests == 1
        path.write_bytes(data[:-1] + b"!")
        assert "another file than was fetched" in verify(path).problem

    def test_files_that_are_called_after_their_digest(self, tmp_path: Path) -> None:
        data = tiny_gguf().data
        path = tmp_path / f"sha256-{hashlib.sha256(data).hexdigest()}"
        path.write_bytes(data)
        assert verify(path).num_digests == 1
        path.write_bytes(data[:-1] + b"!")
        assert "SHA-256" in verify(path).problem

    def test_a_cut_file_is_found(self) -> None:
        path = put("a.gguf", tiny_gguf().data[:-40])
        assert "cut short" in verify(path).problem

    def test_all_files_of_a_split_model_count(self, tmp_path: Path) -> None:
        whole = open_whole(whole_model().write(tmp_path / "a.gguf"))
        files = split(whole, split_by_tensors(11, 4), tmp_path / "b")
        found = verify(files[1])
        assert (found.path, found.num_files, found.num_tensors) == (files[0], 3, 11)
        files[2].unlink()
        assert files[2].name in verify(files[0]).problem

    def test_the_command_ends_with_1_if_one_is_damaged(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        put("good.gguf", tiny_gguf().data)
        verify_command()
        assert capsys.readouterr().out == "good.gguf: whole; 2 tensors, no digest known\n"
        put("bad.gguf", tiny_gguf().data[:-40])
        with pytest.raises(typer.Exit):
            verify_command(as_json=True)
        found = {Path(each["path"]).name: each for each in json.loads(capsys.readouterr().out)}
        assert (found["good.gguf"]["is_whole"], found["bad.gguf"]["is_whole"]) == (True, False)


class TestDigests:
    def test_what_is_gone_is_forgotten(self) -> None:
        first, second = put("a.gguf", b"1"), put("sub/b.gguf", b"2")
        digests.remember(first, "AA")
        digests.remember(second, "bb")
        assert (digests.expected(first), digests.expected(second)) == ("aa", "bb")
        first.unlink()
        digests.remember(second, "cc")
        assert (digests.expected(first), digests.expected(second)) == ("", "cc")

    @pytest.mark.parametrize("damage", ["", "[]", '{"a.gguf": 3', "\0"])
    def test_a_broken_memory_knows_nothing(self, damage: str) -> None:
        path = put("a.gguf", b"1")
        paths.models().with_name("digests.json").write_text(damage, "utf-8")
        assert digests.expected(path) == ""
        digests.remember(path, "aa")
        assert digests.expected(path) == "aa"


class TestFolders:
    @pytest.fixture
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        folder = tmp_path / "mine"
        folder.mkdir()
        monkeypatch.setenv("COBLYN_MODEL_FOLDERS", f"{tmp_path / 'none'}:{folder}")
        return folder

    def test_what_appears_there_is_listed_and_found_at_once(self, folder: Path) -> None:
        assert store.installed() == ()
        path = tiny_gguf().write(folder / "sub" / "New.gguf")
        assert [each.name for each in store.installed()] == ["sub/New"]
        assert store.find("sub/New") == path
        path.unlink()
        assert store.installed() == ()

    def test_it_is_never_removed(self, folder: Path) -> None:
        path = tiny_gguf().write(folder / "New.gguf")
        with pytest.raises(ModelError, match="stays"):
            store.remove("New")
        assert path.is_file()

    def test_the_own_directory_comes_first(self, folder: Path) -> None:
        tiny_gguf().write(folder / "Same.gguf")
        own = put("Same.gguf", tiny_gguf().data)
        assert [each.path for each in store.installed()] == [own]
