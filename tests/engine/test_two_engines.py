"""Two engines in one process, which share the library, its log and the products that are taken over."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from coblyn.engine.config import EngineConfig
from coblyn.engine.runner import LlamaRunner
from coblyn.llama.context import Batch, Context, ContextOptions
from coblyn.llama.kernels import Kernels
from coblyn.llama.library import open_library
from coblyn.llama.model import Model
from coblyn.native.bundle import Bundle

pytestmark = pytest.mark.native

NUM_TOKENS = 128


class Reader:
    """Reads the same prompt again and again, on a thread of its own, and compares."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._is_over = threading.Event()
        self.read_once = threading.Event()
        self.count = 0
        self.largest = 0.0
        self._thread = threading.Thread(target=self._main, daemon=True)
        self._thread.start()

    def finish(self) -> bool:
        """Whether it came to its end, and did not wait for ever in the middle of a product."""
        self._is_over.set()
        self._thread.join(60)
        return not self._thread.is_alive()

    def _main(self) -> None:
        batch = Batch(NUM_TOKENS)
        batch.fill(0, [3 + 37 * n % 40_000 for n in range(NUM_TOKENS)], 0, 0, output=True)
        with Context(self._model, ContextOptions(256, NUM_TOKENS, 1, 2)) as context:
            expected: np.ndarray | None = None
            while not self._is_over.is_set():
                context.clear()
                context.decode(batch, NUM_TOKENS)
                found = context.logits(NUM_TOKENS - 1)
                expected = found if expected is None else expected
                difference = float(np.abs(found - expected).max())
                self.largest = max(self.largest, difference)
                self.count += 1
                self.read_once.set()


@pytest.fixture
def config(bundle: Bundle, starter_model: Path) -> EngineConfig:
    return EngineConfig(
        str(starter_model), str(bundle.lib_dir), context=256, max_running=2, threads=2
    )


@pytest.fixture
def first(config: EngineConfig) -> Iterator[LlamaRunner]:
    runner = LlamaRunner(config)
    if "own products" not in runner.info.accelerator:
        runner.close()
        pytest.skip("nothing is taken over on this machine")
    yield runner
    runner.close()


def test_a_second_engine_changes_nothing_under_the_first(
    config: EngineConfig, first: LlamaRunner, starter_model: Path
) -> None:
    library = open_library(Path(config.library))
    with Model(library, starter_model) as model:
        reader = Reader(model)
        assert reader.read_once.wait(60)
        for index in range(6):
            # A bundle's name that is new is one that nothing was measured of.
            second = LlamaRunner(replace(config, kernels=index % 2 == 0, bundle=f"new-{index}"))
            assert second.info.accelerator == first.info.accelerator, "as it is, not as wished"
            second.close()
        assert reader.finish(), "threads that do not agree wait for each other"
    assert reader.count > 1
    assert reader.largest == 0


def test_the_next_engine_chooses_anew(config: EngineConfig, first: LlamaRunner) -> None:
    kernels = Kernels(open_library(Path(config.library)))
    (kind,) = kernels.kinds(["q4_1"])
    chosen = kernels.min_batch(kind)
    kernels.set_min_batch(kind, 0)
    first.close()
    off = LlamaRunner(replace(config, kernels=False))
    assert not kernels.is_installed
    assert "own products" not in off.info.accelerator
    off.close()
    again = LlamaRunner(config)
    assert kernels.min_batch(kind) == chosen
    again.close()


def test_models_that_are_loaded_at_once(config: EngineConfig, starter_model: Path) -> None:
    """Each reads its own part of the library's log: types of weights and placement come from there."""
    library = open_library(Path(config.library))
    with Model(library, starter_model) as model:
        expected = model.weight_types
    found: list[tuple[str, ...]] = []

    def load() -> None:
        with Model(library, starter_model) as model:
            found.append(model.weight_types)

    threads = [threading.Thread(target=load) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 3
