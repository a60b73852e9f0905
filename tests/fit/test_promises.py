import os
from pathlib import Path

import pytest

from coblyn.engine.config import EngineConfig
from coblyn.fit import promises
from coblyn.fit.need import MAIN, Space
from coblyn.fit.promises import promised
from gguf_file import whole_model

GIGABYTE = 10**9


@pytest.fixture
def config(tmp_path: Path) -> EngineConfig:
    path = whole_model().write(tmp_path / "model.gguf")
    return EngineConfig(str(path), "libraries", cache_memory=4096)


def test_what_an_engine_has_not_taken_yet_is_promised(
    config: EngineConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(promises, "_taken", lambda _: GIGABYTE)
    one = promised([(config, os.getpid())])
    assert 3 * GIGABYTE < one < 5 * GIGABYTE
    assert promised([(config, os.getpid())] * 2) == 2 * one


def test_one_that_has_all_is_promised_nothing(
    config: EngineConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(promises, "_taken", lambda _: 9 * GIGABYTE)
    assert promised([(config, os.getpid())]) == 0


def test_what_is_not_there_is_promised_nothing(config: EngineConfig) -> None:
    gone = EngineConfig("none.gguf", "libraries")
    scripted = EngineConfig("a name")
    assert promised([(config, 0), (gone, os.getpid()), (scripted, os.getpid())]) == 0


def test_what_is_promised_is_not_free() -> None:
    space = Space(MAIN, 5, 10)
    assert space.without(3).free == 2
    assert space.without(9).free == 0
