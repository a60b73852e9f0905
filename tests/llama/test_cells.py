"""What a token takes in the KV cache."""

from __future__ import annotations

from pathlib import Path

import pytest

from coblyn.llama.context import Batch, Context, ContextOptions
from coblyn.llama.library import open_library
from coblyn.llama.model import Model
from coblyn.native.bundle import Bundle

pytestmark = pytest.mark.native

NUM_TOKENS = 128


@pytest.mark.parametrize("cache_type", ["f16", "q8_0", "q4_0"])
def test_the_size_of_a_cell_is_what_a_saved_sequence_takes(
    bundle: Bundle, starter_model: Path, cache_type: str
) -> None:
    options = ContextOptions(256, NUM_TOKENS, 1, 1, cache_type=cache_type, flash_attention=True)
    with (
        Model(open_library(bundle.lib_dir), starter_model) as model,
        Context(model, options) as context,
    ):
        batch = Batch(NUM_TOKENS)
        batch.fill(0, range(1, NUM_TOKENS + 1), 0, 0, output=False)
        context.decode(batch, NUM_TOKENS)
        saved = len(context.save(0))
        # The library adds positions, and some words for each layer.
        assert model.cell_size(options.cache_kind) * NUM_TOKENS == pytest.approx(saved, rel=0.02)
