"""What memory is counted for further models."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from coblyn.cli import loader
from coblyn.cli.loader import FleetLoader
from coblyn.engine.config import EngineConfig
from coblyn.fit.protocol import Answer

HERE = Path("loaded.gguf")


def test_what_a_loaded_model_takes_counts_as_free_for_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []

    def survey(config: EngineConfig, *, promised: int) -> Answer:
        asked.append(promised)
        return Answer(config)

    monkeypatch.setattr(loader, "survey", survey)
    monkeypatch.setattr(loader, "report", lambda answer: {"model": answer.asked.model})
    first: Any = SimpleNamespace(
        config=EngineConfig(model=str(HERE)),
        fleet=SimpleNamespace(
            engines=[SimpleNamespace(config=EngineConfig(model=str(HERE)), pid=os.getpid())]
        ),
    )
    loads = FleetLoader(first, lambda config, _: config)
    assert loads.survey(HERE) == {"model": str(HERE)}
    assert loads.survey(Path("other.gguf"))
    memory = psutil.Process().memory_info()
    assert asked[0] == pytest.approx(memory.shared - memory.rss, rel=0.2)
    assert asked[1] == 0
