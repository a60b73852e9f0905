"""Settings of other programs: read back as those programs read them, written beside the user's own, and taken back."""

from __future__ import annotations

import ast
import json
import os
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from coblyn.connect import journal
from coblyn.connect.clients import CLIENTS
from coblyn.connect.plan import Change
from coblyn.connect.target import Target, ask
from coblyn.engine.fake import FakeRunner
from coblyn.errors import BadRequest, NotFound, SettingsError
from live_server import serve

PLAIN = Target("http://127.0.0.1:5001", "qwen-3", 8192)
KEYED = Target("https://box.example:443", 'odd "name"\\x', 0, "cb-key-0123")


@pytest.fixture(autouse=True)
def usual_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """Isolate the tests from the settings of the user who runs them."""
    for variable in ("CODEX_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(variable, raising=False)


def texts(name: str, target: Target, home: Path) -> dict[str, str]:
    """What is written where nothing is yet, by file name."""
    return {
        change.path.name: change.change("") for change in CLIENTS[name].plan(target, home).changes
    }


@pytest.mark.parametrize("name", CLIENTS)
def test_each_has_a_page(name: str) -> None:
    page = Path(__file__).parents[2] / "docs" / "clients" / f"{name}.md"
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# {CLIENTS[name].title}\n")
    assert f"coblyn connect {name}" in text


@pytest.mark.parametrize("name", CLIENTS)
@pytest.mark.parametrize("target", [PLAIN, KEYED])
def test_each_names_the_server_and_the_key(name: str, target: Target, tmp_path: Path) -> None:
    plan = CLIENTS[name].plan(target, tmp_path)
    told = "\n".join(
        (
            *texts(name, target, tmp_path).values(),
            *plan.steps,
            *plan.variables.values(),
            plan.snippet,
        )
    )
    assert target.url in told
    assert not target.key or target.key in told
    assert plan.steps
    for change in plan.changes:
        assert change.path.is_relative_to(tmp_path)
        once = change.change("")
        assert change.change(once) == once, "writing it again changes nothing"


def test_files_are_what_their_programs_read(tmp_path: Path) -> None:
    aider = YAML(typ="safe").load(texts("aider", KEYED, tmp_path)[".aider.conf.yml"])
    assert aider["model"] == f"openai/{KEYED.model}"
    assert aider["openai-api-base"] == "https://box.example:443/v1"
    codex = texts("codex", KEYED, tmp_path)
    provider = tomllib.loads(codex["config.toml"])["model_providers"]["coblyn"]
    assert provider["wire_api"] == "responses"
    assert provider["env_key"] in CLIENTS["codex"].plan(KEYED, tmp_path).variables
    assert KEYED.key not in "".join(codex.values())
    assert tomllib.loads(codex["coblyn.config.toml"]) == {
        "model": KEYED.model,
        "model_provider": "coblyn",
    }
    claude = json.loads(texts("claude-code", PLAIN, tmp_path)["coblyn.json"])["env"]
    assert claude["ANTHROPIC_BASE_URL"] == PLAIN.url
    assert claude["ANTHROPIC_DEFAULT_HAIKU_MODEL"] == PLAIN.model
    assert claude["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == "8192"
    keyed = json.loads(texts("claude-code", KEYED, tmp_path)["coblyn.json"])["env"]
    assert "CLAUDE_CODE_MAX_CONTEXT_TOKENS" not in keyed, "its context is not known"
    code = json.loads(texts("opencode", PLAIN, tmp_path)["opencode.json"])
    assert code["provider"]["coblyn"]["models"]["qwen-3"]["limit"]["context"] == 8192
    zed = json.loads(texts("zed", PLAIN, tmp_path)["settings.json"])
    (model,) = zed["language_models"]["openai_compatible"]["Coblyn"]["available_models"]
    assert model["max_tokens"] == 8192
    dev = YAML(typ="safe").load(texts("continue", PLAIN, tmp_path)["config.yaml"])
    assert (dev["schema"], dev["models"][0]["apiBase"]) == ("v1", PLAIN.openai)
    ast.parse(CLIENTS["langchain"].plan(KEYED, tmp_path).snippet)


@pytest.mark.skipif(sys.platform == "win32", reason="these are the places elsewhere")
def test_settings_go_where_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def places(name: str) -> set[Path]:
        return {each.path.parent for each in CLIENTS[name].plan(PLAIN, tmp_path / "home").changes}

    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "codex"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert places("codex") == {tmp_path / "codex"}
    assert places("opencode") == {tmp_path / "config" / "opencode"}
    if sys.platform != "darwin":
        assert places("zed") == {tmp_path / "config" / "zed"}
    monkeypatch.setenv("CODEX_HOME", "relative")
    assert places("codex") == {tmp_path / "home" / ".codex"}


MINE = {
    "aider": (".aider.conf.yml", "# mine\nauto-commits: false  # never\nmodel: sonnet\n"),
    "codex": (".codex/config.toml", '# mine\nmodel = "x"\n\n[model_providers.other]\nname = "o"\n'),
    "continue": (
        ".continue/config.yaml",
        "name: Me\nmodels:\n  # big\n  - name: Big\n    model: b\n  - name: Coblyn\n    model: old\n",
    ),
    "opencode": (".config/opencode/opencode.json", '{"theme": "é", "provider": {"o": {}}}'),
    "zed": (".config/zed/settings.json", '{"vim_mode": true, "language_models": {"ollama": {}}}'),
}


@pytest.mark.parametrize("name", MINE)
def test_what_the_user_wrote_stays_and_comes_back(name: str, tmp_path: Path) -> None:
    place, text = MINE[name]
    path = tmp_path / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o640)
    changes = CLIENTS[name].plan(PLAIN, tmp_path).changes
    assert path in journal.apply(name, changes)
    now = path.read_text()
    kept = ["# mine", "false  # never", '[model_providers.other]\nname = "o"', "# big", "Big"]
    kept += ['"theme": "é"', '"vim_mode": true', '"ollama": {}']
    assert [each for each in kept if each in text] == [each for each in kept if each in now]
    assert "5001" in now
    assert "old" not in now
    assert stat.S_IMODE(path.stat().st_mode) == 0o640 or os.name == "nt"
    assert journal.apply(name, changes) == []
    assert path in journal.undo(name)
    assert path.read_text() == text
    assert all(change.path == path or not change.path.exists() for change in changes)
    with pytest.raises(NotFound, match="Nothing was written"):
        journal.undo(name)


def test_a_file_with_comments_that_would_be_lost_is_refused(tmp_path: Path) -> None:
    path = tmp_path / ".config" / "zed" / "settings.json"
    path.parent.mkdir(parents=True)
    path.write_text('// mine\n{"vim_mode": true,}')
    with pytest.raises(SettingsError, match=r"settings\.json cannot be changed.*comments"):
        journal.apply("zed", CLIENTS["zed"].plan(PLAIN, tmp_path).changes)
    assert path.read_text() == '// mine\n{"vim_mode": true,}'


def test_what_was_changed_since_is_not_overwritten(tmp_path: Path) -> None:
    changes = CLIENTS["codex"].plan(PLAIN, tmp_path).changes
    journal.apply("codex", changes)
    changes[1].path.write_text("mine = 1\n")
    with pytest.raises(SettingsError, match="changed since"):
        journal.undo("codex")
    assert changes[0].path.exists()
    assert changes[1].path.read_text() == "mine = 1\n"
    changes[1].path.unlink()  # nothing of anybody's would be lost now
    journal.undo("codex")
    assert not changes[0].path.exists()


def test_if_one_cannot_be_changed_none_is(tmp_path: Path) -> None:
    def refuse(_: str) -> str:
        raise SettingsError("No.")

    good = Change(tmp_path / "good", lambda _: "x")
    with pytest.raises(SettingsError, match=r"bad cannot be changed\. No\."):
        journal.apply("x", [good, Change(tmp_path / "bad", refuse)])
    assert not good.path.exists()


@pytest.mark.parametrize("name", ["aider", "codex", "continue", "opencode"])
@pytest.mark.parametrize("text", ["[1, 2]", "{", "\t: : :\n-", "name: a\n  b: - c", "= 1"])
def test_broken_files_are_named_and_stay(name: str, text: str, tmp_path: Path) -> None:
    (change, *_) = CLIENTS[name].plan(PLAIN, tmp_path).changes
    change.path.parent.mkdir(parents=True, exist_ok=True)
    change.path.write_text(text)
    with pytest.raises(SettingsError, match=change.path.name):
        journal.apply(name, [change])
    assert change.path.read_text() == text


@pytest.mark.skipif(os.name == "nt", reason="links are POSIX's")
def test_a_link_stays_one(tmp_path: Path) -> None:
    real, link = tmp_path / "dotfiles" / "aider.yml", tmp_path / ".aider.conf.yml"
    real.parent.mkdir()
    real.write_text("")
    link.symlink_to(real)
    journal.apply("aider", CLIENTS["aider"].plan(PLAIN, tmp_path).changes)
    assert link.is_symlink()
    assert "5001" in real.read_text()


def test_the_server_is_asked(tmp_path: Path) -> None:
    with serve(FakeRunner) as url:
        assert ask(f"{url}/v1/", "", "") == Target(url, "fake", 4096)
        with pytest.raises(NotFound, match=r"no model other.\nIt has fake"):
            ask(url, "", "other")
        environment = {**os.environ, "HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}

        def run(*arguments: str) -> subprocess.CompletedProcess[str]:
            command = [sys.executable, "-m", "coblyn", "connect", *arguments]
            return subprocess.run(
                command, capture_output=True, text=True, check=False, env=environment
            )

        assert "model: openai/fake" in run("aider", "--url", url).stdout
        assert list(tmp_path.glob(".aider*")) == []
        assert run("aider", "--url", url, "--write").returncode == 0
        assert url in (tmp_path / ".aider.conf.yml").read_text()
        assert run("aider", "--undo").returncode == 0
        assert list(tmp_path.glob(".aider*")) == []
    assert run("nobody").returncode == 4
    assert len(run().stdout.splitlines()) == len(CLIENTS)
    with pytest.raises(SettingsError, match="No server answers"):
        ask(url, "", "")
    assert ask(url, "", "later") == Target(url, "later", is_reached=False)
    written = run("aider", "--url", url, "--model", "later", "--write")
    assert "No server answers there yet" in written.stderr
    assert "openai/later" in (tmp_path / ".aider.conf.yml").read_text()
    for wrong in ("http://[", "nothing"):
        with pytest.raises((BadRequest, SettingsError)):
            ask(wrong, "", "")
