"""A step of sequences that do not follow each other: what stands between them leaves no trace."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from coblyn.llama.context import Batch, Context, ContextOptions
from coblyn.llama.library import open_library
from coblyn.llama.model import Model
from coblyn.llama.sampler import Draw, Sampler, SamplerOptions
from coblyn.llama.steps import Steps
from coblyn.native.bundle import Bundle

pytestmark = pytest.mark.native

PROMPT = (5, 6, 7, 8)
LENGTH = 256


@pytest.fixture(scope="module")
def model(bundle: Bundle, starter_model: Path) -> Iterator[Model]:
    with Model(open_library(bundle.lib_dir), starter_model) as opened:
        yield opened


class Table:
    """Sequences with cells of their own, of which some take part in a step."""

    def __init__(self, model: Model, held: dict[int, int]) -> None:
        self.model = model
        self.context = Context(
            model, ContextOptions(LENGTH, 512, max_sequences=6, threads=1, is_unified=False)
        )
        self.batch = Batch(512)
        self.steps = Steps(self.context, self.batch, 6)
        for sequence, count in held.items():
            tokens = (sequence + 10, *PROMPT * (count // 4 + 1))[:count]
            self.batch.fill(0, tokens, 0, sequence, output=True)
            self.steps.run(count, ())

    def step(self, ends: dict[int, int], *, fills_gaps: bool) -> NDArray[np.float32]:
        """Logits after one more token of sequences with these lengths."""
        size = self.model.vocab_size
        kept = np.zeros((len(ends), size), np.float32)
        with Sampler(self.model.library, SamplerOptions(seed=1), size, ()) as sampler:
            for index, (sequence, end) in enumerate(ends.items()):
                self.batch.put(index, 42, end, sequence, output=True)
            draws = [
                Draw(sampler, sequence, end + 1, index, max_drawn=0, keep=kept[index])
                for index, (sequence, end) in enumerate(ends.items())
            ]
            self.steps.run(len(ends), draws, fills_gaps=fills_gaps)
        return kept

    def taken_by(self, sequence: int) -> bytes:
        return self.context.save(sequence).tobytes()


@pytest.mark.parametrize(
    ("others", "num_fillers"),
    [({}, 3), ({1: 7, 3: 9}, 3), ({1: LENGTH}, 2), ({1: LENGTH - 1, 4: 3}, 3)],
    ids=["empty", "held", "full", "nearly full"],
)
def test_the_gaps_between_sequences_are_filled_and_emptied(
    model: Model, others: dict[int, int], num_fillers: int
) -> None:
    running = {0: 5, 2: 6, 5: 4}
    found = []
    for fills_gaps in (False, True):
        table = Table(model, others | running)
        with table.context:
            before = {sequence: table.taken_by(sequence) for sequence in (1, 3, 4)}
            found.append(table.step(running, fills_gaps=fills_gaps))
            assert table.steps.num_fillers == fills_gaps * num_fillers
            assert {sequence: table.taken_by(sequence) for sequence in (1, 3, 4)} == before
    # Other numbers of rows are computed by other code, which rounds differently.
    apart = np.sqrt(((found[1][:, None] - found[0][None]) ** 2).mean(2))
    assert apart.argmin(1).tolist() == [0, 1, 2]
    assert apart.diagonal().max() < 0.5
