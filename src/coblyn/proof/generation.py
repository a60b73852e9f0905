"""Tiny models that generate on the real library, in several ways, compared with numpy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from coblyn.llama.context import Batch, Context, ContextOptions
from coblyn.llama.model import Model
from coblyn.proof.error import divergence
from coblyn.proof.gguf import write_gguf
from coblyn.proof.ground import Ground, count
from coblyn.proof.reference import logits
from coblyn.proof.tiny import VOCABULARY, TinyModel
from coblyn.proof.weights import Matrix

__all__ = ["Expected", "Way", "prove_model"]

NUM_PROMPT, NUM_GENERATED = 24, 4
_CONTEXT = 256

Logits = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Way:
    """One way of computing the same tokens.

    Attributes:
        words: Description of what is special.
        chunk: Prompt tokens per step.
        flash: Whether attention is a single operation.
        cache_type: Type of keys and values.
        is_plain: Whether weights stay in the file's order.
        sequences: Number of identical sequences computed at once.
        is_alone: Whether one thread computes, not all.
    """

    words: str
    chunk: int = NUM_PROMPT
    flash: bool = True
    cache_type: str = "f16"
    is_plain: bool = True
    sequences: int = 1
    is_alone: bool = False


class Expected:
    """Numpy's results for a tiny model, computed once for the same tokens.

    Args:
        tiny: The model.
    """

    def __init__(self, tiny: TinyModel) -> None:
        self.tiny = tiny
        self._known: dict[tuple[int, ...], Matrix] = {}

    def of(self, tokens: Sequence[int]) -> Matrix:
        """Logits after each token."""
        key = tuple(tokens)
        if key not in self._known:
            self._known[key] = logits(self.tiny, tokens)
        return self._known[key]


WAYS = (
    Way("prompt at once", is_alone=True),
    Way("prompt in parts", chunk=10, flash=False),
    Way("three sequences", sequences=3, is_alone=True),
    Way("weights repacked, cache of q8_0", cache_type="q8_0", is_plain=False),
)


def prove_model(
    ground: Ground,
    expected: Expected,
    directory: Path,
    *,
    on_device: bool = False,
    where: str = "",
) -> None:
    """Let a tiny model generate in all ways, and compare the results.

    Args:
        ground: The context of the proof.
        expected: The model, and numpy's results for it.
        directory: Directory for the model's file.
        on_device: Use the accelerators that are present.
        where: Name of the device, for the names of the stages.

    Raises:
        Wrong: Logits are wrong.
        CoblynError: The model cannot be loaded or computed.
    """
    tiny = expected.tiny
    path = directory / f"{tiny.name.replace(' ', '-')}.gguf"
    if not path.exists():
        write_gguf(path, tiny.metadata, tiny.stored)
    for is_plain in (True, False):
        ways = [way for way in WAYS if way.is_plain is is_plain]
        name = f"{tiny.name}, {where}" if where else tiny.name
        ground.tell(f"loading of a {name}")
        with Model(ground.library, path, cpu_only=not on_device, plain_layout=is_plain) as model:
            for way in ways:
                threads = ground.threads[0 if way.is_alone else -1]
                stage = f"{name}, {way.words}, {count(threads, 'thread')}"
                ground.tell(f"context of a {stage}")
                _prove(ground, expected, model, way, threads, f"text of a {stage}")


def _prove(
    ground: Ground, expected: Expected, model: Model, way: Way, threads: int, stage: str
) -> None:
    options = ContextOptions(
        length=_CONTEXT,
        max_batch=_CONTEXT,
        max_sequences=way.sequences,
        threads=threads,
        flash_attention=way.flash,
        cache_type=way.cache_type,
        is_unified=model.is_rewindable,
    )
    with Context(model, options) as context:
        ground.tell(stage)
        tokens, found = _generate(context, way)
    for rows in found:
        ground.check_text(_furthest(rows, expected.of(tokens)), stage)


def _furthest(found: Logits, expected: Matrix) -> float:
    """The largest divergence of all tokens; infinite if a number is not finite."""
    if not np.isfinite(found).all():
        return float("inf")
    pairs = zip(found, expected, strict=True)
    return max(divergence(ours, theirs) for ours, theirs in pairs)


def _generate(context: Context, way: Way) -> tuple[list[int], Logits]:
    """Read a prompt and generate the most likely tokens; returns the tokens, and the logits after each, by sequence."""
    tokens = np.random.default_rng(5).integers(0, VOCABULARY, NUM_PROMPT).tolist()
    batch = Batch(_CONTEXT)
    parts = [
        _step(context, batch, tokens[start : start + way.chunk], start, way.sequences)
        for start in range(0, NUM_PROMPT, way.chunk)
    ]
    for place in range(NUM_PROMPT, NUM_PROMPT + NUM_GENERATED):
        tokens.append(int(parts[-1][0, -1].argmax()))
        parts.append(_step(context, batch, tokens[-1:], place, way.sequences))
    return tokens, np.concatenate(parts, axis=1)


def _step(
    context: Context, batch: Batch, tokens: Sequence[int], place: int, sequences: int
) -> Logits:
    """Logits after each of some tokens, the same in all sequences: sequences x tokens x vocabulary."""
    size = len(tokens)
    for sequence in range(sequences):
        batch.fill(sequence * size, tokens, place, sequence, output=True)
    total = size * sequences
    batch.outputs[:total] = True
    context.decode(batch, total)
    rows = np.stack([context.logits(row) for row in range(total)])
    return rows.reshape(sequences, size, VOCABULARY)
