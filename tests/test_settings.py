"""Defaults, file, environment, flags: the later wins, and mistakes are named with their source."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import coblyn
from coblyn.engine.config import EngineConfig
from coblyn.errors import SettingsError
from coblyn.settings import EngineSettings, Settings, rules


def write(home: Path, text: str) -> Path:
    path = home / "config" / "coblyn.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_defaults_work_without_any_source() -> None:
    assert Settings.load().port == 5001


def test_the_later_source_wins(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home, "port = 1\nthreads = 2\ncontext = 3\n")
    monkeypatch.setenv("COBLYN_THREADS", "20")
    monkeypatch.setenv("COBLYN_CONTEXT", "30")
    settings = Settings.load(flags={"context": 300, "port": None})
    assert (settings.port, settings.threads, settings.context) == (1, 20, 300)


def test_lists_in_the_environment_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COBLYN_ORIGINS", "https://a.example,https://b.example")
    assert Settings.load().origins == ("https://a.example", "https://b.example")


def test_an_unknown_name_gets_a_suggestion(home: Path) -> None:
    write(home, "contxt = 3\n")
    with pytest.raises(SettingsError, match=r"coblyn\.toml sets contxt.*\nDid you mean context"):
        Settings.load()


def test_a_wrong_value_names_its_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COBLYN_PORT", "many")
    with pytest.raises(SettingsError, match="the environment sets port to 'many'"):
        Settings.load()


def test_a_key_in_plain_text_is_not_repeated(tmp_path: Path) -> None:
    file = tmp_path / "some.toml"
    file.write_text('[[keys]]\nname = "ann"\nkey = "a-secret-of-ann"\n')
    with pytest.raises(SettingsError, match="missing required field hash") as caught:
        Settings.load(file)
    assert "secret" not in str(caught.value)
    assert "coblyn key add NAME" in caught.value.hint


def test_a_value_out_of_range_is_refused() -> None:
    with pytest.raises(SettingsError, match="command line sets port to 70000"):
        Settings.load(flags={"port": 70000})


def test_a_broken_file_is_named(home: Path) -> None:
    path = write(home, "port = = 1")
    with pytest.raises(SettingsError, match="cannot be read"):
        Settings.load()
    with pytest.raises(SettingsError, match="cannot be read"):
        Settings.load(path)


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="is not there"):
        Settings.load(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("word", "meaning"),
    [("yes", True), ("On", True), ("1", True), ("false", False), ("no", False), ("0", False)],
)
def test_words_for_yes_and_no_in_the_environment(
    word: str, meaning: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COBLYN_MEMORY_LOCK", word)
    assert Settings.load().memory_lock is meaning


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("port = true", "port"),
        ("hang_seconds = 1", "hang_seconds"),
        ("drain_seconds = nan", "drain_seconds"),
        ("cache_type = 'q3'", "cache_type"),
        ("origins = 'https://a.example'", "origins"),
        ("flash_attention = 2", "flash_attention"),
        ("threads = 2.5", "threads"),
    ],
)
def test_a_value_of_another_kind_is_refused_with_what_it_means(
    text: str, name: str, home: Path
) -> None:
    write(home, text)
    with pytest.raises(SettingsError, match=rf"sets {name} to .*: .*\n{name}: [A-Z]"):
        Settings.load()


def test_an_engine_has_the_same_defaults_and_ranges() -> None:
    known = {rule.name: (rule.kind, rule.default) for rule in rules(EngineConfig)}
    for rule in rules(Settings):
        if hasattr(EngineSettings, rule.name):
            assert known[rule.name] == (rule.kind, rule.default)
    settings = Settings(threads=3, hang_seconds=4)
    config = EngineConfig.from_settings(settings, model=Path("a.gguf"), bundle="b")
    assert (config.model, config.bundle, config.threads, config.hang_seconds) == (
        "a.gguf",
        "b",
        3,
        4,
    )
    with pytest.raises(SettingsError, match="threads is 513: Expected int <= 512"):
        EngineConfig("", threads=513)


def test_variables_that_other_parts_read_are_not_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Path(coblyn.__file__).parent
    text = "\n".join(path.read_text("utf-8") for path in source.rglob("*.py"))
    names = set(re.findall(r'"(COBLYN_[A-Z_]+)"', text))
    assert {"COBLYN_HOME", "COBLYN_MODEL_FOLDERS", "COBLYN_OLLAMA_REGISTRY"} <= names
    for name in names:
        monkeypatch.setenv(name, "/nowhere")
    Settings.load()
