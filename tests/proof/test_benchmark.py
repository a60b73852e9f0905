"""What counts as the engine's own part of a decode step."""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec
import pytest

from coblyn.engine.config import EngineConfig
from coblyn.errors import CoblynError
from coblyn.proof.bench import bench
from coblyn.proof.benchmark import Note, Shape, own_part
from coblyn.run import Finished


def test_only_what_lies_between_decode_steps_counts() -> None:
    notes = [
        Note(0.0, 0.0, 0),  # a prompt
        Note(1.0, 0.5, 1),
        Note(2.0, 1.4, 1),
        Note(3.0, 2.2, 1),
        Note(9.0, 2.5, 0),  # the next request was taken up meanwhile
        Note(10.0, 3.0, 1),
    ]
    assert own_part(notes, 1) == pytest.approx(1 - 1.7 / 2)


def test_other_numbers_of_streams_do_not_count() -> None:
    notes = [Note(0.0, 0.0, 2), Note(1.0, 0.9, 2), Note(2.0, 1.0, 1), Note(3.0, 1.1, 1)]
    assert own_part(notes, 2) == pytest.approx(0.1)
    assert math.isnan(own_part(notes, 8))


def test_all_of_the_configuration_reaches_the_process_that_measures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    requests: list[dict[str, Any]] = []

    def start(argv: list[str], *_: object, **__: object) -> Finished:
        requests.append(json.loads(argv[-1]))
        return Finished(tuple(argv), 1, "", 0.0)

    monkeypatch.setattr("coblyn.proof.bench.stream", start)
    config = EngineConfig("model.gguf", threads=3, chosen=frozenset({"threads"}))
    with pytest.raises(CoblynError):
        bench(config, Shape(16, 16, 1, 1))
    assert msgspec.convert(requests[0]["config"], EngineConfig) == config
    assert msgspec.convert(requests[0]["config"], EngineConfig).chosen == {"threads"}
