"""The page of verbs says what the parser would say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from coblyn.cli.app import make_app
from coblyn.cli.verbs import SAME, VERBS, overview
from coblyn.errors import ModelNotFound
from coblyn.models.store import StoredModel


def invoke(*arguments: str) -> str:
    return (
        CliRunner().invoke(make_app(), arguments, prog_name="coblyn", env={"COLUMNS": "80"}).output
    )


def test_the_page_is_the_parsers() -> None:
    assert overview() == invoke("--help")


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_is_there(name: str) -> None:
    assert invoke(name, "--help").startswith(f"Usage: coblyn {name} ")


def test_an_unknown_verb_is_refused_by_name() -> None:
    result = CliRunner().invoke(make_app(), ["nosuch"])
    assert result.exit_code == 2
    assert "nosuch" in result.output


def test_the_program_shows_the_page() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "coblyn", "--help"], capture_output=True, text=True, check=True
    )
    assert done.stdout == overview()


def test_a_shell_completes_verbs() -> None:
    asked = {"_COBLYN_COMPLETE": "complete_bash", "COMP_WORDS": "coblyn mo", "COMP_CWORD": "1"}
    script = "import sys; sys.argv = ['coblyn']; from coblyn.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | asked,
    )
    assert done.stdout.split() == ["models"]


def test_verbs_have_the_words_of_other_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def remove(name: str) -> StoredModel:
        asked.append(name)
        raise ModelNotFound(name)

    monkeypatch.setattr("coblyn.models.store.remove", remove)
    assert invoke("list") == invoke("ls") == invoke("models") != ""
    for word in ("remove", "rm"):
        CliRunner().invoke(make_app(), [word, "old"])
        assert "--remove NAME" in invoke(word, "--help")
    assert asked == ["old", "old"]
    assert set(SAME).isdisjoint(VERBS)


def test_presets_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COBLYN_HOME", str(tmp_path))
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "presets.toml").write_text('["Mine"]\ntemperature = 0.4\n')
    output = invoke("presets")
    assert "Simple Balanced" in output
    assert "Mine" in output
    rows = json.loads(invoke("presets", "--json"))["presets"]
    assert rows[-1] == {"name": "Mine", "is_own": True, "values": {"temperature": 0.4}}
