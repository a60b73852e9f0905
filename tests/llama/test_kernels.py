"""Our own matrix products and attention inside ggml's backend: taken, right, and given back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from coblyn.llama.context import Batch, Context, ContextOptions
from coblyn.llama.kernels import REASONS, Kernels
from coblyn.llama.library import open_library
from coblyn.llama.model import Heads, Model
from coblyn.native.bundle import Bundle

pytestmark = pytest.mark.native

NUM_TOKENS = 96


@pytest.fixture
def model(bundle: Bundle, starter_model: Path) -> Iterator[Model]:
    with Model(open_library(bundle.lib_dir), starter_model) as model:
        yield model


@pytest.fixture
def kernels(model: Model) -> Iterator[Kernels]:
    kernels = Kernels(model.library)
    reason = kernels.install()
    if reason:
        # A processor that we have no code for is a reason; a hook that does not fit is a fault.
        assert reason == REASONS[3]
        pytest.skip(reason)
    yield kernels
    kernels.remove()


OPTIONS = ContextOptions(256, NUM_TOKENS, 1, 2)


def logits(model: Model, options: ContextOptions = OPTIONS) -> np.ndarray:
    """Of every token of a text, from a context of its own."""
    tokens = [3 + 37 * n % 40_000 for n in range(NUM_TOKENS)]
    with Context(model, options) as context:
        batch = Batch(NUM_TOKENS)
        for index, token in enumerate(tokens):
            batch.put(index, token, index, 0, output=True)
        context.decode(batch, NUM_TOKENS)
        return np.stack([context.logits(index).copy() for index in range(NUM_TOKENS)])


def test_products_are_taken_and_right(model: Model, kernels: Kernels) -> None:
    kernels.remove()
    plain = logits(model)
    assert kernels.install() == ""
    kinds = kernels.kinds(model.weight_types)
    assert kinds
    for kind in kinds:
        kernels.set_min_batch(kind, 1)
    before = kernels.num_taken
    ours = logits(model)
    assert kernels.num_taken > before + 100
    error = np.sqrt(np.square(ours - plain).sum() / np.square(plain).sum())
    assert 0 < error < 0.03, "other rounding, the same numbers"


def test_a_generated_token_s_products_are_taken_and_right(model: Model, kernels: Kernels) -> None:
    kinds = kernels.kinds(model.weight_types)
    kernels.set_min_tokens(0)
    kernels.set_single(False)
    for kind in kinds:
        kernels.set_min_batch(kind, 0)

    def decode(rows: int) -> np.ndarray:
        for kind in kinds:
            kernels.set_max_few(kind, rows)
        with Context(model, OPTIONS) as context:
            # A first token: for later ones the rounding of a key matters more, with either code.
            batch = Batch(1)
            batch.put(0, 3, 0, 0, output=True)
            context.decode(batch, 1)
            return context.logits(0)

    before = kernels.num_taken
    plain = decode(0)
    assert kernels.num_taken == before
    ours = decode(4)
    if kernels.num_taken == before:
        pytest.skip("no code for few tokens on this processor")
    assert kernels.max_few(kinds[0]) == 4
    assert kernels.num_taken >= before + 7 * model.num_layers
    error = np.sqrt(np.square(ours - plain).sum() / np.square(plain).sum())
    assert 0 < error < 0.03, "other rounding, the same numbers"


def test_what_is_off_is_left_to_ggml(model: Model, kernels: Kernels) -> None:
    for kind in kernels.kinds(model.weight_types):
        kernels.set_min_batch(kind, 0)
    kernels.set_min_tokens(0)
    kernels.set_single(False)
    assert not kernels.takes_attention
    before = kernels.num_taken
    logits(model)
    assert kernels.num_taken == before
    kernels.remove()
    assert not kernels.is_installed
    assert np.array_equal(logits(model), logits(model))


# ggml rounds the queries, too, where keys are quantized: the coarser, the further from ours.
@pytest.mark.parametrize(
    ("cache_type", "limit"), [("f16", 0.03), ("bf16", 0.03), ("q8_0", 0.03), ("q4_0", 0.1)]
)
def test_attention_is_taken_and_right(
    model: Model, kernels: Kernels, cache_type: str, limit: float
) -> None:
    for kind in kernels.kinds(model.weight_types):
        kernels.set_min_batch(kind, 0)
    options = ContextOptions(256, NUM_TOKENS, 1, 2, flash_attention=True, cache_type=cache_type)
    kernels.set_min_tokens(0)
    plain = logits(model, options)
    kernels.set_min_tokens(1)
    before = kernels.num_taken
    ours = logits(model, options)
    assert kernels.num_taken == before + model.num_layers
    error = np.sqrt(np.square(ours - plain).sum() / np.square(plain).sum())
    assert 0 < error < limit, "other rounding, the same numbers"


def test_attention_of_a_single_token_is_taken_and_right(model: Model, kernels: Kernels) -> None:
    for kind in kernels.kinds(model.weight_types):
        kernels.set_min_batch(kind, 0)
    kernels.set_min_tokens(0)

    def decode(*, is_taken: bool) -> np.ndarray:
        kernels.set_single(is_taken)
        with Context(model, OPTIONS) as context:
            batch = Batch(NUM_TOKENS)
            for position in range(12):
                batch.put(0, 3 + 37 * position, position, 0, output=True)
                context.decode(batch, 1)
            return context.logits(0)

    plain = decode(is_taken=False)
    before = kernels.num_taken
    ours = decode(is_taken=True)
    assert kernels.num_taken == before + 12 * model.num_layers
    error = np.sqrt(np.square(ours - plain).sum() / np.square(plain).sum())
    assert 0 < error < 0.03, "other rounding, the same numbers"


def test_attention_is_measured(model: Model, kernels: Kernels) -> None:
    assert (model.heads.length, model.heads.count, model.heads.key_count) == (64, 9, 3)
    found = kernels.find_tokens(1, model.heads, cells=256, threads=1, seconds=0.001)
    assert 0 <= found <= 256
    assert kernels.takes_attention
    ratio = kernels.measure_attention(1, model.heads, cells=256, tokens=1, threads=1, seconds=0.001)
    assert ratio > 0
    impossible = Heads(length=64, count=9, key_count=2)
    assert kernels.find_tokens(1, impossible, cells=256, threads=1, seconds=0.001) == 0


def test_installing_again_forgets_what_was_set(model: Model, kernels: Kernels) -> None:
    kinds = kernels.kinds(model.weight_types)
    chosen = {kind: kernels.min_batch(kind) for kind in kinds}
    assert kinds
    for kind in kinds:
        kernels.set_min_batch(kind, 0)
    kernels.set_min_tokens(0)
    kernels.set_single(False)
    kernels.set_max_few(kinds[0], 4)
    assert kernels.kinds(model.weight_types) == ()
    kernels.remove()
    assert kernels.install() == "", "its own check needs nothing that was set"
    assert kernels.takes_attention
    assert {kind: kernels.min_batch(kind) for kind in kinds} == chosen
    assert kernels.max_few(kinds[0]) == 0, "until it is measured"


def test_types(model: Model, kernels: Kernels) -> None:
    assert "q4_1" in model.weight_types
    assert kernels.kinds(["q4_1", "f32", "no such type"]) == (3,)
    assert kernels.instruction_set
    (kind,) = kernels.kinds(["q4_1"])
    chosen = kernels.find_batch(kind, 64, 256, threads=1, seconds=0.001)
    assert 0 <= chosen <= 256
    assert kernels.find_few(kind, 4096, 4096, threads=1, seconds=0.001) in {0, 1, 2, 4}
    assert kernels.find_few(kind, 64, 100, threads=1, seconds=0.001) == 0, "no whole blocks"


def test_measuring_tells_how_far_its_turns_lay_apart(kernels: Kernels) -> None:
    (kind,) = kernels.kinds(["q4_1"])
    kernels.take_spread()
    kernels.find_batch(kind, 512, 256, threads=1, seconds=0.003)
    spread = kernels.take_spread()
    assert spread
    assert spread > 0, "no two turns take the same time"
    assert kernels.take_spread() == 0, "nothing was measured since"


def test_a_measurement_can_be_stopped(kernels: Kernels) -> None:
    (kind,) = kernels.kinds(["q4_1"])

    def find(seconds: float) -> float | None:
        kernels.find_batch(kind, 64, 256, threads=1, seconds=seconds)
        return kernels.take_spread()

    kernels.stop(True)
    assert find(0.001) is not None, "only where it is wanted"
    with kernels.stoppable():
        assert find(60) is None, "before it begins"
        kernels.stop(False)
        assert find(0.001) is not None
        timer = threading.Timer(0.02, kernels.stop, [True])
        timer.start()
        assert find(60) is None, "in the middle"
        timer.join()
    assert find(0.001) is not None
