from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from coblyn.errors import ModelNotFound
from coblyn.models import store
from coblyn.models.catalogue import STARTER
from gguf_file import F32, GgufWriter, tiny_gguf


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COBLYN_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "data" / "models"


def add(models: Path, name: str, age: int = 0) -> Path:
    path = tiny_gguf().write(models / name)
    os.utime(path, (1_700_000_000 - age, 1_700_000_000 - age))
    return path


class TestInstalled:
    def test_no_directory_is_no_models(self, models: Path) -> None:
        assert store.installed() == ()
        assert store.newest() is None

    def test_lists_models_and_nothing_else(self, models: Path) -> None:
        add(models, "b.gguf", age=5)
        add(models, "A.gguf")
        add(models, "maker/c.gguf")
        for other in ("mmproj-b.gguf", "b.gguf.part", "b.gguf.lock", "note.txt", ".hidden.gguf"):
            add(models, other)
        assert [model.name for model in store.installed()] == ["A", "b", "maker/c"]

    def test_a_split_model_is_one(self, models: Path) -> None:
        files = [add(models, f"big-{number:05}-of-00002.gguf") for number in (1, 2)]
        (model,) = store.installed()
        assert (model.name, model.path) == ("big", files[0])
        assert model.size == sum(file.stat().st_size for file in files)

    def test_newest(self, models: Path) -> None:
        add(models, "old.gguf", age=100)
        new = add(models, "new.gguf")
        add(models, "older.gguf", age=200)
        assert store.newest() == new

    def test_newest_is_one_that_can_be_run(self, models: Path) -> None:
        sound = add(models, "sound.gguf", age=100)
        (models / "empty.gguf").write_bytes(b"")
        keys = {"general.architecture": "llama", "general.type": "adapter"}
        GgufWriter(keys, [("t", (1,), F32, b"1234")]).write(models / "lora.gguf")
        (models / "folder.gguf").mkdir()
        assert store.newest() == sound
        assert "folder" not in [model.name for model in store.installed()]

    @pytest.mark.parametrize(("make", "trouble"), [(os.mkfifo, "a pipe"), (Path.touch, "empty")])
    def test_what_can_be_no_model_is_told_and_not_opened(
        self, models: Path, make: Callable[[Path], None], trouble: str
    ) -> None:
        models.mkdir(parents=True)
        make(models / "strange.gguf")
        assert store.newest() is None
        found, troubles = store.survey()
        assert found == ()
        assert trouble in troubles[0].message
        with pytest.raises(ModelNotFound, match=trouble):
            store.find("strange")

    @pytest.mark.parametrize("missing", [1, 2])
    def test_a_missing_part_is_told(self, models: Path, missing: int) -> None:
        for number in {1, 2, 3} - {missing}:
            keys = {"general.architecture": "llama", "split.no": number - 1, "split.count": 3}
            tensor = (f"t{number}", (1,), F32, b"1234")
            GgufWriter(keys, [tensor]).write(models / f"big-0000{number}-of-00003.gguf")
        _, troubles = store.survey()
        assert [trouble.name for trouble in troubles] == ["big"]
        assert f"big-0000{missing}-of-00003.gguf" in troubles[0].message

    def test_a_part_that_is_left_over_hides_no_whole_model(self, models: Path) -> None:
        path = add(models, "big.gguf")
        keys = {"general.architecture": "llama", "split.no": 1, "split.count": 3}
        GgufWriter(keys, [("t", (1,), F32, b"1234")]).write(models / "big-00002-of-00003.gguf")
        assert [trouble.name for trouble in store.survey()[1]] == ["big"]
        assert store.find("big") == path

    def test_a_whole_file_that_is_called_a_part(self, models: Path) -> None:
        path = add(models, "x-00003-of-00013.gguf")
        assert store.survey()[1] == ()
        assert [model.path for model in store.installed()] == [path]
        assert store.find(str(path)) == path


class TestFind:
    def test_what_is_no_file_is_told(self, models: Path, tmp_path: Path) -> None:
        link = tmp_path / "link.gguf"
        link.symlink_to(tmp_path / "gone.gguf")
        with pytest.raises(ModelNotFound, match=r"is a link to .*gone\.gguf, which is not there"):
            store.find(str(link))
        os.mkfifo(tmp_path / "pipe.gguf")
        with pytest.raises(ModelNotFound, match="not a file, but a pipe"):
            store.find(str(tmp_path / "pipe.gguf"))

    def test_ways_to_name_a_model(self, models: Path, tmp_path: Path) -> None:
        path = add(models, "Some-Model.Q4_K_M.gguf")
        elsewhere = tiny_gguf().write(tmp_path / "elsewhere.gguf")
        for reference in ("Some-Model.Q4_K_M", "some-model.q4_k_m.gguf", "some", str(path)):
            assert store.find(reference) == path
        assert store.find(str(elsewhere)) == elsewhere

    def test_alias(self, models: Path) -> None:
        with pytest.raises(ModelNotFound) as caught:
            store.find("SmolLM2")
        assert "coblyn pull smollm2" in caught.value.hint
        path = add(models, f"{STARTER.name}.gguf")
        assert store.find("smollm2") == path

    def test_ambiguous(self, models: Path) -> None:
        add(models, "model-a.gguf")
        add(models, "model-b.gguf")
        with pytest.raises(ModelNotFound, match="model-a, model-b"):
            store.find("model")

    @pytest.mark.parametrize("reference", ["smolm2", "gemma-270m", "mistrall"])
    def test_did_you_mean(self, models: Path, reference: str) -> None:
        add(models, "Mistral.gguf")
        with pytest.raises(ModelNotFound, match="There is no model") as caught:
            store.find(reference)
        assert "Did you mean" in caught.value.hint

    @pytest.mark.parametrize(
        "reference", ["", "..", "/none.gguf", "zzzzzz", "a\nb", "a\0b", "~nobody/x", "x" * 5000]
    )
    def test_nothing_alike(self, models: Path, reference: str) -> None:
        with pytest.raises(ModelNotFound):
            store.find(reference)

    def test_directory(self, models: Path, tmp_path: Path) -> None:
        tiny_gguf().write(tmp_path / "folder" / "inside.gguf")
        with pytest.raises(ModelNotFound, match="directory") as caught:
            store.find(str(tmp_path / "folder"))
        assert "inside.gguf" in caught.value.hint

    def test_second_part(self, models: Path, tmp_path: Path) -> None:
        files = [add(tmp_path, f"big-{number:05}-of-00002.gguf") for number in (1, 2)]
        assert store.find(str(files[1])) == files[0]


class TestRemove:
    def test_all_files_go(self, models: Path) -> None:
        keep = add(models, "keep.gguf")
        files = [add(models, f"big-{number:05}-of-00002.gguf") for number in (1, 2)]
        assert store.remove("Big").name == "big"
        assert not any(file.exists() for file in files)
        assert keep.exists()

    def test_by_alias(self, models: Path) -> None:
        path = add(models, f"{STARTER.name}.gguf")
        store.remove("smollm2")
        assert not path.exists()

    @pytest.mark.parametrize("reference", ["kee", "../outside", "", "nothing"])
    def test_only_whole_names_of_what_is_stored(self, models: Path, reference: str) -> None:
        keep = add(models, "keep.gguf")
        outside = add(models.parent, "outside.gguf")
        with pytest.raises(ModelNotFound):
            store.remove(reference)
        with pytest.raises(ModelNotFound):
            store.remove(str(outside))
        assert keep.exists()
        assert outside.exists()


def test_what_is_not_here_is_told_where_models_come_from() -> None:
    hint = store.not_found("zzzzzzzz").hint
    assert all(form in hint for form in ("smollm2", "hf:OWNER/REPO", "ollama:NAME", "web address"))
