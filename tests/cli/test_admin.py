"""The directory of models and settings that an administrator may load while a server runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest

from coblyn.cli.admin import AdminDirectory
from coblyn.engine.config import EngineConfig
from coblyn.engine.exchange import EngineExchange
from coblyn.errors import NotFound
from coblyn.settings import Settings
from gguf_file import random_model


class Exchange:
    """Keeps what it is told to load."""

    def __init__(self, config: EngineConfig) -> None:
        self.config = config

    async def replace(self, config: EngineConfig) -> None:
        self.config = config


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("first", "second"):
        random_model().write(tmp_path / f"{name}.gguf")
    settings = {"model": str(tmp_path / "second.gguf"), "contextsize": 96}
    (tmp_path / "second.kcpps").write_text(json.dumps(settings))
    (tmp_path / "same.kcpps").write_text(json.dumps({"contextsize": 80}))
    return tmp_path


def begun(folder: Path, **settings: Any) -> tuple[AdminDirectory, Exchange]:
    """The directory of a server that began with the first model."""
    chosen = Settings(threads=3, **settings)
    engine = Exchange(EngineConfig.from_settings(chosen, model=folder / "first.gguf"))
    return AdminDirectory(folder, chosen, cast("EngineExchange", engine)), engine


OF_THE_FIRST = {
    "adapters": ("poet=poet.gguf",),
    "control_vectors": ("mood.gguf",),
    "chat_template": "mine.jinja",
    "projector": "mmproj.gguf",
}


@pytest.mark.parametrize("name", ["second.gguf", "second.kcpps"])
async def test_files_of_the_first_model_are_not_those_of_another(folder: Path, name: str) -> None:
    directory, engine = begun(folder, **OF_THE_FIRST)
    await directory.load(name)
    config = engine.config
    assert config.model == str(folder / "second.gguf")
    assert (config.adapters, config.control_vectors, config.chat_template) == ((), (), "")
    assert (config.projector, config.threads) == ("auto", 3)
    assert config.context == (96 if name.endswith(".kcpps") else 0)


async def test_settings_without_a_model_are_for_the_first(folder: Path) -> None:
    directory, engine = begun(folder, **OF_THE_FIRST)
    await directory.load("same.kcpps")
    config = engine.config
    assert (config.model, config.context) == (str(folder / "first.gguf"), 80)
    assert (config.adapters, config.chat_template) == (("poet=poet.gguf",), "mine.jinja")
    await directory.load("second.gguf")
    await directory.load("initial_model")
    assert engine.config.chat_template == "mine.jinja"


async def test_only_files_of_the_directory_are_loaded(folder: Path) -> None:
    directory, engine = begun(folder)
    with pytest.raises(NotFound):
        await directory.load("../first.gguf")
    assert engine.config.model == str(folder / "first.gguf")
