"""What does the engine cost beside the library? Steps of the scheduler on a runner that computes nothing.

A step here is schedule, run (the fake runner's), apply: the Python part of the engine without libllama and without
sampling. Prints microseconds a step and a token; the last line is one JSON object.
"""

from __future__ import annotations

import json
import statistics
import time

from coblyn.engine.cache import SequenceCache
from coblyn.engine.fake import FakeRunner
from coblyn.engine.prompt import Prompt
from coblyn.engine.request import Request
from coblyn.engine.scheduler import Limits, Scheduler

TOKENS = 1000


def seconds_a_step(streams: int) -> float:
    """Mean seconds of a decode step with so many streams."""
    cells = (TOKENS + 64) * streams
    runner = FakeRunner(repeats=True, context=4096, num_cells=cells, max_sequences=streams + 1)
    cache = SequenceCache(runner.max_sequences, runner.num_cells)
    limits = Limits(runner.context, streams, runner.max_batch, runner.max_batch)
    scheduler = Scheduler(cache, runner.vocab, limits, time.perf_counter)
    for index in range(streams):
        request = Request(
            str(index), Prompt.of(f"{index} prompt".encode()), TOKENS, stop=("\n\n\n",)
        )
        runner.open(runner.prepare(request))
        scheduler.add(request)
    started, steps = time.perf_counter(), 0
    while scheduler.has_work:
        plan, _ = scheduler.schedule()
        scheduler.apply(plan, runner.run(plan))
        steps += 1
    return (time.perf_counter() - started) / steps


def main() -> None:
    """Measure one stream and eight."""
    figures = {
        f"{streams} streams": 1e6 * statistics.median(seconds_a_step(streams) for _ in range(5))
        for streams in (1, 8)
    }
    for name, value in figures.items():
        print(f"{name:12}{value:8.1f} microseconds a step")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
