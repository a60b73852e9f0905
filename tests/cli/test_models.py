from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from coblyn import paths
from coblyn.cli.choose import resolve_model
from coblyn.cli.create import create
from coblyn.cli.models import models
from coblyn.cli.pull import pull
from coblyn.errors import BadRequest, CoblynError, ModelBroken, ModelNotFound
from coblyn.models.catalogue import STARTER
from coblyn.models.pull import Pulled
from coblyn.models.sources.offer import ManyVariants, Variant
from coblyn.models.sources.take import RemoteFile
from coblyn.progress import silent
from gguf_file import tiny_gguf

Shown = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COBLYN_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("COBLYN_YES", raising=False)
    return tmp_path / "home"


@pytest.fixture
def pulls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Instead of a download: what was asked for, and a tiny model in its place."""
    asked: list[str] = []

    def fake(reference: str, **_: object) -> Pulled:
        asked.append(reference)
        return Pulled(tiny_gguf().write(paths.models() / f"{STARTER.name}.gguf"), is_new=True)

    monkeypatch.setattr("coblyn.models.pull.pull", fake)
    return asked


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Somebody who types an answer."""

    def typing(answer: str) -> None:
        typed = io.StringIO(answer)
        typed.isatty = lambda: True  # type: ignore[method-assign]
        monkeypatch.setattr(sys, "stdin", typed)
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
        monkeypatch.setattr("coblyn.cli.bar.bar", lambda: nullcontext(silent))

    return typing


class TestResolve:
    def test_newest_when_none_is_named(self) -> None:
        tiny_gguf().write(paths.models() / "old.gguf")
        os.utime(paths.models() / "old.gguf", (1, 1))
        new = tiny_gguf().write(paths.models() / "new.gguf")
        assert resolve_model(None) == new
        assert resolve_model("old") == paths.models() / "old.gguf"

    def test_a_broken_model_is_told_at_once(self) -> None:
        path = paths.models() / "bad.gguf"
        path.parent.mkdir(parents=True)
        path.write_bytes(tiny_gguf().data[:-50])
        with pytest.raises(ModelBroken, match="cut short"):
            resolve_model("bad")

    @pytest.mark.parametrize("reference", [None, "smollm2"])
    def test_yes_pulls(self, pulls: list[str], reference: str | None) -> None:
        assert resolve_model(reference, yes=True).stem == STARTER.name
        assert pulls == ["smollm2"]
        resolve_model(reference)
        assert pulls == ["smollm2"]

    def test_environment_says_yes(self, pulls: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COBLYN_YES", "1")
        resolve_model(None)
        assert pulls == ["smollm2"]

    @pytest.mark.parametrize("value", ["", "0", "no"])
    def test_nobody_to_ask(
        self, pulls: list[str], monkeypatch: pytest.MonkeyPatch, value: str
    ) -> None:
        monkeypatch.setenv("COBLYN_YES", value)
        monkeypatch.setattr(sys, "stdin", io.StringIO())
        with pytest.raises(ModelNotFound) as caught:
            resolve_model(None)
        assert "coblyn pull smollm2" in caught.value.hint
        assert "--yes" in caught.value.hint
        assert pulls == []

    @pytest.mark.parametrize("answer", ["\n", "y\n", "Yes\n"])
    def test_asks(
        self, pulls: list[str], terminal: Callable[[str], None], capsys: Shown, answer: str
    ) -> None:
        terminal(answer)
        resolve_model(None)
        assert pulls == ["smollm2"]
        assert "92.9 MB, Apache-2.0" in capsys.readouterr().err

    @pytest.mark.parametrize("answer", ["", "n\n", "no\n", "what?\n"])
    def test_no_is_no(self, pulls: list[str], terminal: Callable[[str], None], answer: str) -> None:
        terminal(answer)
        with pytest.raises(ModelNotFound, match="no model"):
            resolve_model(None)
        assert pulls == []

    def test_unknown_names_pull_nothing(self, pulls: list[str]) -> None:
        with pytest.raises(ModelNotFound):
            resolve_model("smollm3", yes=True)
        assert pulls == []


class TestList:
    def test_what_is_here_and_what_can_be_pulled(self, capsys: Shown) -> None:
        tiny_gguf().write(paths.models() / "mine.gguf")
        models()
        shown = capsys.readouterr()
        assert shown.out.startswith("mine  ")
        assert "smollm2" in shown.err

    def test_json(self, capsys: Shown) -> None:
        path = tiny_gguf().write(paths.models() / "mine.gguf")
        models(as_json=True)
        (model,) = json.loads(capsys.readouterr().out)
        assert model["name"] == "mine"
        assert model["path"] == str(path)
        assert model["size"] == path.stat().st_size

    def test_none(self, capsys: Shown) -> None:
        models(as_json=True)
        assert json.loads(capsys.readouterr().out) == []
        models()
        assert capsys.readouterr().out == ""

    def test_remove(self, capsys: Shown) -> None:
        path = tiny_gguf().write(paths.models() / "mine.gguf")
        models(remove="mine")
        assert not path.exists()
        assert "mine is removed" in capsys.readouterr().out


class TestPull:
    def test_says_where_it_is(self, pulls: list[str], capsys: Shown) -> None:
        pull("smollm2")
        assert f"{STARTER.name} is here: " in capsys.readouterr().out

    def test_json(self, pulls: list[str], capsys: Shown) -> None:
        pull("smollm2", as_json=True)
        assert json.loads(capsys.readouterr().out)["is_new"] is True

    def test_licence_notice(self, pulls: list[str], capsys: Shown) -> None:
        pull("gemma3-270m")
        assert "Gemma Terms of Use" in capsys.readouterr().err


@pytest.mark.parametrize("as_json", [True, False])
def test_variants_to_choose_from_are_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: Shown, as_json: bool
) -> None:
    sizes = {"Q4_0": 1_000_000_000, "F32": 10**15}
    variants = [Variant(name, (RemoteFile("", name, size=size),)) for name, size in sizes.items()]

    def refuse(reference: str, **_: object) -> Pulled:
        raise ManyVariants(reference, variants)

    monkeypatch.setattr("coblyn.models.pull.pull", refuse)
    with pytest.raises(ManyVariants):
        pull("hf:maker/model", as_json=as_json)
    out = capsys.readouterr().out
    if as_json:
        assert [(row["quantization"], row["fits"]) for row in json.loads(out)] == [
            ("Q4_0", True),
            ("F32", False),
        ]
    else:
        words = "Q4_0 1.0 GB needs about 3.5 GB fits Q4_0"
        assert out.splitlines()[0].split() == words.split()
        assert "does not fit" in out.splitlines()[1]


class TestCreate:
    """``coblyn create``."""

    @pytest.fixture
    def base(self) -> Path:
        return tiny_gguf().write(paths.models() / "base.gguf")

    def write(self, tmp_path: Path, text: str) -> Path:
        path = tmp_path / "Modelfile"
        path.write_text(text)
        return path

    def test_makes_lists_runs_and_removes(self, tmp_path: Path, base: Path, capsys: Shown) -> None:
        file = self.write(tmp_path, "FROM base\nSYSTEM Arr.\nPARAMETER num_gpu 3\nTEMPLATE {{ x }}")
        create("Pirate", file)
        shown = capsys.readouterr()
        assert shown.out == "pirate:latest is made from base.\n"
        assert "num_gpu: This is decided when the model is loaded." in shown.err
        assert "TEMPLATE is stored" in shown.err
        create("captain", self.write(tmp_path, "FROM pirate\nPARAMETER top_k 3"), as_json=True)
        assert json.loads(capsys.readouterr().out)["name"] == "captain:latest"
        assert resolve_model("captain") == base
        models()
        assert "pirate:latest  made from base" in capsys.readouterr().out
        models(as_json=True)
        assert [each["name"] for each in json.loads(capsys.readouterr().out)] == [
            "base",
            "captain:latest",
            "pirate:latest",
        ]
        models(remove="pirate")
        models(remove="captain")
        capsys.readouterr()
        models(as_json=True)
        assert [each["name"] for each in json.loads(capsys.readouterr().out)] == ["base"]
        assert base.is_file()

    @pytest.mark.parametrize(
        ("name", "text", "error", "message"),
        [
            ("x", "FROM nothing", ModelNotFound, "no model nothing"),
            ("base", "FROM base", BadRequest, "stays as it is"),
            ("x", "FROM base\nPARAMETER top_k much", BadRequest, "top_k must be an integer"),
            ("x", "FROM base\nADAPTER a.gguf", ModelNotFound, "a.gguf"),
            ("../x", "FROM base", BadRequest, "not a valid model name"),
            ("x", "FLY", BadRequest, "Line 1"),
        ],
    )
    def test_what_is_wrong_is_named(
        self,
        tmp_path: Path,
        base: Path,
        name: str,
        text: str,
        error: type[CoblynError],
        message: str,
    ) -> None:
        with pytest.raises(error, match=message):
            create(name, self.write(tmp_path, text))
        assert base.is_file()

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(BadRequest, match="cannot be read"):
            create("x", tmp_path / "none")
