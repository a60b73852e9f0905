"""How further models are configured, and what memory is counted for them."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from coblyn import paths
from coblyn.cli import loader
from coblyn.cli.loader import Configurer, FleetLoader
from coblyn.engine.config import EngineConfig
from coblyn.errors import CoblynError, ModelUnsupported, SettingsError
from coblyn.fit.protocol import Answer
from coblyn.models.setup import Setup
from coblyn.settings import Settings
from coblyn.settings.own import own_settings
from gguf_file import lora_of, random_model, whole_model

OWN = """
["first"]
context = 512

["Second.gguf"]
context = 1024
adapters = { poet = "poet.gguf", old = "sub/old.gguf:0.5" }
adapters_on = true
chat_template = "sub/mine.jinja"
"""


@pytest.fixture
def files() -> Path:
    folder = paths.models()
    for name in ("first", "second", "third"):
        random_model().write(folder / f"{name}.gguf")
    return folder


@pytest.fixture
def own() -> Path:
    file = paths.own_settings()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(OWN)
    lora = lora_of(random_model())
    lora.write(file.parent / "poet.gguf")
    (file.parent / "sub").mkdir()
    lora.write(file.parent / "sub" / "old.gguf")
    (file.parent / "sub" / "mine.jinja").write_text("{{ messages }}")
    return file


def configurer(files: Path, **flags: Any) -> Configurer:
    general = EngineConfig.from_settings(Settings.load(None, flags), model=files / "first.gguf")
    return Configurer(general, lambda config, _: config)


def test_each_model_has_its_own_settings(files: Path, own: Path) -> None:
    each = configurer(files, threads=3)
    first, second, third = (
        each.config_for(Setup(files / f"{name}.gguf")) for name in ("first", "second", "third")
    )
    assert [config.context for config in (first, second, third)] == [512, 1024, 0]
    assert [config.threads for config in (first, second, third)] == [3, 3, 3]
    assert second.adapters == (
        f"poet={own.parent / 'poet.gguf'}",
        f"old={own.parent / 'sub' / 'old.gguf:0.5'}",
    )
    assert second.adapters_on
    assert second.chat_template == str(own.parent / "sub" / "mine.jinja")
    assert {"context", "adapters"} <= second.chosen, "memory does not give them up"
    assert (first.adapters, third.adapters) == ((), ())


def test_the_command_line_holds_for_all_but_for_files_of_one_model(files: Path, own: Path) -> None:
    each = configurer(files, context=256, adapters=["mine=/x/mine.gguf"])
    assert each.config_for(Setup(files / "first.gguf")).adapters == ("mine=/x/mine.gguf",)
    second = each.config_for(Setup(files / "second.gguf"))
    assert (second.context, len(second.adapters)) == (256, 2)
    assert each.config_for(Setup(files / "third.gguf")).adapters == ()


def test_the_file_of_one_model_is_none_of_another(files: Path) -> None:
    each = configurer(files, projector="/x/mmproj.gguf")
    assert each.config_for(Setup(files / "first.gguf")).projector == "/x/mmproj.gguf"
    assert each.config_for(Setup(files / "second.gguf")).projector == "auto"


def test_an_adapter_for_another_model_is_refused(files: Path, own: Path) -> None:
    whole_model(general__architecture="qwen2").write(files / "second.gguf")
    with pytest.raises(ModelUnsupported, match="architecture"):
        configurer(files).config_for(Setup(files / "second.gguf"))


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("[x", "cannot be read"),
        ("second = 3", "is none"),
        ("[second]\ncontxt = 3", "sets contxt"),
        ("[second]\nport = 3", "sets port"),
        ("[second]\ncontext = -3", "sets context to -3"),
        ("[second]\nadapters = 3", "sets adapters to 3"),
    ],
)
def test_what_cannot_be_is_named(own: Path, text: str, match: str) -> None:
    own.write_text(text)
    with pytest.raises(SettingsError, match=match):
        own_settings(["second"])


def test_settings_that_cannot_be_are_told_when_the_model_is_loaded(files: Path, own: Path) -> None:
    own.write_text("[second]\ncontxt = 3")
    first: Any = SimpleNamespace(fleet=SimpleNamespace(engines=[], ending=Event()), config=None)
    loads = FleetLoader(first, configurer(files))
    assert loads.fits(Setup(files / "second.gguf"))
    assert loads.adapters(Setup(files / "second.gguf")) == ()
    with pytest.raises(CoblynError, match="contxt"):
        loads.survey(Setup(files / "second.gguf"))


def test_what_a_model_would_be_loaded_with_is_known_without_an_engine(
    files: Path, own: Path
) -> None:
    def build(config: EngineConfig, report: object) -> EngineConfig:
        raise AssertionError("lists build nothing")

    first: Any = SimpleNamespace(fleet=SimpleNamespace(engines=[]), config=None)
    general = EngineConfig.from_settings(Settings.load(None, {}), model=files / "first.gguf")
    loads = FleetLoader(first, Configurer(general, build))
    poet, old = loads.adapters(Setup(files / "second.gguf"))
    assert (poet.name, poet.path, old.scale) == ("poet", own.parent / "poet.gguf", 0.5)
    assert loads.adapters(Setup(files / "third.gguf")) == ()


def test_what_a_loaded_model_takes_counts_as_free_for_itself(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def survey(config: EngineConfig, *, promised: int, ended: Event) -> Answer:
        assert not ended.is_set()
        asked.append(promised)
        return Answer(config)

    here = files / "first.gguf"
    monkeypatch.setattr(loader, "survey", survey)
    monkeypatch.setattr(loader, "report", lambda answer: {"model": answer.asked.model})
    engine = SimpleNamespace(config=EngineConfig(model=str(here)), pid=os.getpid())
    fleet = SimpleNamespace(engines=[engine], ending=Event())
    first: Any = SimpleNamespace(config=engine.config, fleet=fleet)
    loads = FleetLoader(first, configurer(files))
    assert loads.survey(Setup(here)) == {"model": str(here)}
    assert loads.survey(Setup(files / "second.gguf"))
    memory = psutil.Process().memory_info()
    assert asked[0] == pytest.approx(memory.shared - memory.rss, rel=0.2)
    assert asked[1] == 0


def test_of_several_names_the_first_counts(own: Path) -> None:
    names = [f"model-{number}" for number in range(20)]
    own.write_text("".join(f"[{name}]\ncontext = {64 + n}\n" for n, name in enumerate(names)))
    assert own_settings(names) == {"context": 64}
    assert own_settings(reversed(names)) == {"context": 83}
