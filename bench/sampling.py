"""What it costs to draw a token, by chain: microseconds of one row on one core.

    python bench/sampling.py [--vocab 262144] [--rounds 300] [--only CHAIN ...]
    python bench/sampling.py --model MODEL.gguf [--threads 2] [--only CHAIN ...]

Rows are random logits that follow Zipf's law, eight of them in turn. Each figure is the median. With a model, it is the
part of a step with eight sequences that is not spent in computing the logits, in percent. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from coblyn.cli.build import ensure_bundle
from coblyn.engine.params import SamplingParams
from coblyn.engine.stages import chain
from coblyn.llama.context import Batch, Context, ContextOptions
from coblyn.llama.library import Library, open_library
from coblyn.llama.model import Model
from coblyn.llama.sampler import MAX_DRAWN, Draw, Sampler, SamplerOptions
from coblyn.llama.steps import Steps

PLAIN = SamplingParams(temperature=0.8)
KOBOLD = SamplingParams(
    temperature=0.75,
    max_candidates=3000,
    top_k=100,
    top_p=0.92,
    repetition_penalty=1.05,
    repetition_range=360,
    repetition_slope=0.7,
)
CHAINS = {
    "greedy": SamplingParams(temperature=0.0),
    "plain": PLAIN,
    "openai top-p 0.9": SamplingParams(temperature=0.8, top_p=0.9),
    "min-p 0.05": SamplingParams(temperature=1.25, min_p=0.05),
    "kobold default": KOBOLD,
    "kobold, DRY, XTC": SamplingParams(
        temperature=0.75,
        max_candidates=3000,
        top_k=100,
        top_p=0.92,
        repetition_penalty=1.05,
        repetition_range=360,
        dry_multiplier=0.8,
        xtc_probability=0.5,
        xtc_threshold=0.1,
    ),
    "mirostat 2": SamplingParams(mirostat=2),
    "mirostat 2 of 3,000": SamplingParams(mirostat=2, max_candidates=3000),
    "typical 0.9": SamplingParams(typical_p=0.9),
    "typical 0.9 of 3,000": SamplingParams(typical_p=0.9, max_candidates=3000),
    "tail-free 0.95 of 3,000": SamplingParams(tail_free=0.95, max_candidates=3000),
    "dynamic temperature, min-p": SamplingParams(temperature=1.25, dynatemp_range=0.75, min_p=0.05),
    "top-n-sigma 1": SamplingParams(top_n_sigma=1.0),
    "adaptive-p 0.5": SamplingParams(adaptive_target=0.5),
    "smoothing 0.3": SamplingParams(smoothing_factor=0.3),
}
NUM_ROWS, NUM_KNOWN = 8, 64
"""Sequences of a model's step, and tokens of each that it knows."""

DRY = SamplingParams(temperature=0.0, dry_multiplier=0.8)


def options(params: SamplingParams) -> SamplerOptions:
    """As the engine makes them."""
    return SamplerOptions(seed=1, stages=chain(params))


def zipf_row(rng: np.random.Generator, vocab: int) -> Any:
    """Logits that fall with the logarithm of the rank, in an order of chance, as those of a text's next word do."""
    ranks = rng.permutation(vocab) + 1
    return (-1.4 * np.log(ranks) + rng.normal(0, 0.5, vocab)).astype(np.float32)


def microseconds(
    library: Library, params: SamplingParams, vocab: int, history: list[int], rounds: int
) -> float:
    """The median of a draw; of that the copy of the row is taken off, which a decode's rows do not need."""
    rng = np.random.default_rng(0)
    rows = [zipf_row(rng, vocab) for _ in range(8)]
    context: Any = SimpleNamespace(library=library, pointer=None)
    steps = Steps(context, Batch(1), 1)
    sampler = Sampler(library, options(params), vocab, history)
    copy = np.empty(vocab, np.float32)
    times, copies = [], []
    for round_ in range(rounds):
        row = rows[round_ % len(rows)]
        start = time.perf_counter()
        copy[:] = row
        middle = time.perf_counter()
        steps.run(0, [Draw(sampler, logits=row)])
        times.append(time.perf_counter() - middle)
        copies.append(middle - start)
    return float(np.median(times) - np.median(copies)) * 1e6


def share(model: Model, params: SamplingParams, threads: int, rounds: int) -> float:
    """The median part of eight sequences' steps in a row that sampling takes, in percent."""
    history = list(range(1000, 1000 + NUM_KNOWN))
    parts = []
    length = NUM_KNOWN + MAX_DRAWN * rounds
    shape = ContextOptions(length, NUM_KNOWN, NUM_ROWS, threads, is_unified=False)
    with Context(model, shape) as context:
        batch = Batch(NUM_KNOWN)
        for sequence in range(NUM_ROWS):
            batch.fill(0, history, 0, sequence, output=False)
            context.decode(batch, NUM_KNOWN)
        steps = Steps(context, batch, NUM_ROWS)
        samplers = [
            Sampler(context.library, options(params), model.vocab_size, history)
            for _ in range(NUM_ROWS)
        ]
        tokens, position = [1] * NUM_ROWS, NUM_KNOWN
        for _ in range(rounds):
            for row, token in enumerate(tokens):
                batch.put(row, token, position, row, output=True)
            draws = [
                Draw(sampler, row, position + 1, row, max_drawn=MAX_DRAWN)
                for row, sampler in enumerate(samplers)
            ]
            start = time.perf_counter()
            drawn = steps.run(NUM_ROWS, draws, max_seconds=60.0)
            seconds = time.perf_counter() - start
            parts.append(1 - steps.decode_seconds / seconds)
            tokens = [row[-1].token for row in drawn]
            position += len(drawn[0])
    return 100 * float(np.median(parts))


def of_rows(
    library: Library, chains: Mapping[str, SamplingParams], vocab: int, rounds: int
) -> dict[str, float]:
    """Microseconds of a row for each chain, and for DRY by the length of the history."""
    # Words as frequent as in a text: the n-th of them 1/n times.
    words = np.random.default_rng(1).zipf(1.3, 131_072) % 5000
    figures = {
        name: microseconds(library, params, vocab, words[:4000].tolist(), rounds)
        for name, params in chains.items()
    }
    for length in (1000, 10_000, 100_000):
        history = words[:length].tolist()
        figures[f"DRY after {length}"] = microseconds(library, DRY, 5000, history, rounds)
    return figures


def main() -> None:
    """Measure, print a table, then JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vocab", type=int, default=262_144)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", nargs="+", choices=list(CHAINS), default=list(CHAINS))
    asked = parser.parse_args()
    library = open_library(ensure_bundle().lib_dir)
    chains = {name: CHAINS[name] for name in asked.only}
    if asked.model:
        unit = "%"
        with Model(library, asked.model) as model:
            figures = {
                name: share(model, params, asked.threads, max(1, asked.rounds // 100))
                for name, params in chains.items()
            }
    else:
        unit = "us"
        figures = of_rows(library, chains, asked.vocab, asked.rounds)
    for name, value in figures.items():
        print(f"{name:30} {value:8.1f} {unit}")
    print(json.dumps({unit: {name: round(value, 2) for name, value in figures.items()}}))


if __name__ == "__main__":
    main()
