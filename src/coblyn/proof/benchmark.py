"""The speed of the engine compared with the bare C loop of the same bundle.

Both run alternately, several times, in one process and on one thread, and the medians of the ratios are taken, since on
a busy machine only adjacent runs can be compared.
"""

from __future__ import annotations

import asyncio
import math
import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from coblyn.engine.config import EngineConfig
from coblyn.engine.encoded import PromptId, Source
from coblyn.engine.events import Finish, Stats
from coblyn.engine.interface import Runner
from coblyn.engine.local import LocalEngine
from coblyn.engine.params import SamplingParams
from coblyn.engine.plan import Plan, Sampled
from coblyn.engine.prompt import pack_ids
from coblyn.engine.request import Request
from coblyn.engine.runner import LlamaRunner
from coblyn.progress import Progress, Report, silent

__all__ = ["Figures", "Note", "Shape", "WatchedRunner", "measure", "own_part"]


@dataclass(frozen=True, slots=True)
class Shape:
    """The workload to measure.

    Attributes:
        num_prompt: Number of prompt tokens.
        num_generate: Tokens to generate, at least 16: consecutive steps count as one, and a comparison takes two.
        num_streams: Number of concurrent generations in the measurement of several streams.
        repeats: Number of repetitions.
    """

    num_prompt: int = 512
    num_generate: int = 128
    num_streams: int = 8
    repeats: int = 5


@dataclass(frozen=True, slots=True)
class Figures:
    """Medians. Speeds are in tokens per second; ratios are of the engine to the bare loop, taken pair by pair.

    Attributes:
        prefill, decode: The engine, one stream.
        bare_prefill, bare_decode: The bare C loop.
        prefill_ratio, decode_ratio: Engine to bare loop.
        streams_decode: All streams together.
        overhead, streams_overhead: Fraction of a decode step outside ``llama_decode``, for one stream and for several.
    """

    prefill: float
    bare_prefill: float
    prefill_ratio: float
    decode: float
    bare_decode: float
    decode_ratio: float
    streams_decode: float
    overhead: float
    streams_overhead: float


class Note(NamedTuple):
    """Clocks at the beginning of a step, in seconds, and how many requests decode in it; 0 if some prefill."""

    started: float
    decode_seconds: float
    num_decoding: int


class WatchedRunner(LlamaRunner):
    """Records the beginning of every step.

    Attributes:
        notes: The recorded steps; the reader clears them.
    """

    def __init__(self, config: EngineConfig) -> None:
        super().__init__(config)
        self.notes: list[Note] = []

    def run(self, plan: Plan) -> Sequence[Sequence[Sampled]]:
        """Run the plan, and record the beginning of its step."""
        decodes = all(len(row.tokens) == 1 and row.max_drawn for row in plan.rows)
        num_decoding = len(plan.rows) if decodes else 0
        self.notes.append(Note(time.perf_counter(), self.decode_seconds, num_decoding))
        return super().run(plan)


async def measure(engine: LocalEngine, shape: Shape, report: Report = silent) -> Figures:
    """Measure a loaded engine with a ``WatchedRunner``; nothing else may use it meanwhile.

    The bare loop and the engine alternate; the first round of each is a warm-up and does not count.
    """
    rounds = []
    for index in range(shape.repeats + 1):
        report(Progress("Measuring", index, shape.repeats + 1))
        rounds.append(await _round(engine, shape))
    report(Progress("Measuring", shape.repeats + 1, shape.repeats + 1))
    names = Figures.__slots__
    return Figures(
        **{
            name: statistics.median(getattr(figures, name) for figures in rounds[1:])
            for name in names
        }
    )


async def _round(engine: LocalEngine, shape: Shape) -> Figures:
    ids = random.choices(range(engine.info.vocab_size), k=shape.num_prompt)  # noqa: S311
    prompt = await engine.encode(Source(ids=pack_ids(ids)))
    bare_prompt, bare_generate = await engine.call(_bare_loop(shape))
    one = await _one(engine, _request(prompt.id, shape, 0))
    # The repeated prompt is in memory, so only decode steps remain to be timed.
    _, overhead = await _together(engine, prompt.id, shape, 1)
    many, streams_overhead = await _together(engine, prompt.id, shape, shape.num_streams)
    prefill = shape.num_prompt / one.prefill_seconds
    bare_prefill = shape.num_prompt / bare_prompt
    bare_decode = shape.num_generate / bare_generate
    return Figures(
        prefill=prefill,
        bare_prefill=bare_prefill,
        prefill_ratio=prefill / bare_prefill,
        decode=_decode_speed(one),
        bare_decode=bare_decode,
        decode_ratio=_decode_speed(one) / bare_decode,
        streams_decode=sum(_decode_speed(stats) for stats in many),
        overhead=overhead,
        streams_overhead=streams_overhead,
    )


def _bare_loop(shape: Shape) -> Callable[[Runner], tuple[float, float]]:
    def run(runner: Runner) -> tuple[float, float]:
        return _watched(runner).bare_loop(shape.num_prompt, shape.num_generate)

    return run


def _decode_speed(stats: Stats) -> float:
    """Tokens per second after the first token, which belongs to the prompt's time."""
    return (stats.num_generated - 1) / stats.decode_seconds


async def _together(
    engine: LocalEngine, prompt_id: PromptId, shape: Shape, count: int
) -> tuple[list[Stats], float]:
    """Continue a prompt that is in memory in several concurrent generations.

    Returns:
        The cost of each, and the fraction of the decode steps' time that the engine itself took.
    """
    await engine.call(lambda runner: _watched(runner).notes.clear())
    stats = await asyncio.gather(
        *(_one(engine, _request(prompt_id, shape, index)) for index in range(count))
    )
    notes = await engine.call(lambda runner: tuple(_watched(runner).notes))
    return list(stats), own_part(notes, count)


def own_part(notes: Sequence[Note], count: int) -> float:
    """The fraction of the time between steps outside ``llama_decode``, for steps in which ``count`` requests decode.

    The cost of beginning and ending a request is not part of a decode step.
    """
    total = inside = 0.0
    for this, following in pairwise(notes):
        if this.num_decoding == following.num_decoding == count:
            total += following.started - this.started
            inside += following.decode_seconds - this.decode_seconds
    return 1 - inside / total if total else math.nan


def _request(prompt_id: PromptId, shape: Shape, index: int) -> Request[PromptId]:
    return Request(f"bench-{index}", prompt_id, shape.num_generate, _SAMPLING, ignore_eos=True)


_SAMPLING = SamplingParams(temperature=0.8, top_k=40, top_p=0.95, min_p=0.05, seed=1)


def _watched(runner: Runner) -> WatchedRunner:
    assert isinstance(runner, WatchedRunner), "a measured engine has a watched runner"
    return runner


async def _one(engine: LocalEngine, request: Request[PromptId]) -> Stats:
    stats = Stats()
    async for event in engine.generate(request):
        if isinstance(event, Finish):
            stats = event.stats
    return stats
