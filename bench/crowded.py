"""What does waiting cost: how fast is the engine on a quiet machine, and beside programs that never rest?

Threads that compute one graph wait for each other hundreds of times per token. Who spins while waiting is quick on a
quiet machine, and on a crowded one burns what the thread that is waited for needs. So each setting is a number of
threads and how often a thread of OpenMP looks before it sleeps (``GOMP_SPINCOUNT``; "own" is what Coblyn sets, and
"libgomp" what that library does by itself). Every setting has a process with the model loaded; they generate in turns,
first on the machine as it is, then beside busy loops that this program starts and ends.

    python bench/crowded.py MODEL.gguf [--settings 1:own,2:own,2:libgomp,2:0] [--loops 6]

A turn is bounded in time, so a setting that starves ends as well. The last line is one JSON object: tokens per second,
medians, and their ratios to the first setting with the most threads, taken turn by turn.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

_LIBGOMP = "300000"
"""Looks of libgomp where nobody asks for anything (``libgomp/env.c`` of GCC 4.4 to 15)."""

_BUSY = """
import os, sys, time
parent, end = os.getppid(), time.monotonic() + float(sys.argv[1])
while time.monotonic() < end and os.getppid() == parent:
    for _ in range(100_000):
        pass
"""

_LONGEST = 600.0
"""Busy loops end by themselves after so many seconds."""


class Speed(NamedTuple):
    """Tokens per second of a turn; 0 if there was none."""

    prefill: float
    decode: float


@dataclass(frozen=True)
class Setting:
    """What is compared.

    Attributes:
        threads: Threads that compute.
        spins: How often a thread looks before it sleeps: a number, "own" or "libgomp".
        bundle: The engine bundle; empty for the one in use.
    """

    threads: int
    spins: str
    bundle: str = ""

    def __str__(self) -> str:
        return ":".join(filter(None, (str(self.threads), self.spins, self.bundle)))

    @classmethod
    def read(cls, text: str) -> Setting:
        """From "2:own", or "2:own:cpu-0123456789ab"."""
        threads, *rest = text.split(":")
        spins, name, *_ = *rest, "", ""
        return cls(int(threads), spins or "own", name)

    def environment(self) -> dict[str, str]:
        """Of a process that runs with it."""
        kept = {name: value for name, value in os.environ.items() if not _is_openmp(name)}
        if self.spins == "own":
            return kept
        return kept | {"GOMP_SPINCOUNT": self.spins.replace("libgomp", _LIBGOMP)}


def _is_openmp(name: str) -> bool:
    return name.startswith(("OMP_", "GOMP_"))


class Contender:
    """A process with the model loaded, that generates when it is told to."""

    def __init__(self, model: str, setting: Setting) -> None:
        self.setting = setting
        self._process = subprocess.Popen(
            [sys.executable, __file__, model, "--contend", str(setting)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=setting.environment(),
        )
        self._read()  # it is ready

    def run(self, prompt: int, generate: int, seconds: float) -> Speed:
        """Generate until the tokens are there or the time is over."""
        assert self._process.stdin
        print(json.dumps([prompt, generate, seconds]), file=self._process.stdin, flush=True)
        return Speed(*self._read())

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin
        self._process.stdin.close()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _read(self) -> list[float]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.setting}: the process ended.")
        return list(json.loads(line))


async def contend(model: str, setting: Setting) -> None:
    """The other side: generate for each line of standard input."""
    from coblyn.engine.config import EngineConfig
    from coblyn.engine.local import LocalEngine
    from coblyn.engine.runner import LlamaRunner
    from coblyn.native import bundle

    chosen = bundle.find(setting.bundle) if setting.bundle else bundle.current()
    library, name = str(chosen.lib_dir), chosen.id
    config = EngineConfig(
        model, library, name, context=1024, threads=setting.threads, max_running=1
    )
    engine = LocalEngine(partial(LlamaRunner, config), max_running=1)
    try:
        await _turn(engine, 0, 16, 4, 60.0)  # warms up
        print("[]", flush=True)
        turn = 0
        while line := await asyncio.to_thread(sys.stdin.readline):
            turn += 1
            print(json.dumps(await _turn(engine, turn, *json.loads(line))), flush=True)
    finally:
        await engine.close()


async def _turn(engine, turn: int, prompt: int, generate: int, seconds: float) -> Speed:  # type: ignore[no-untyped-def]
    from coblyn.engine.encoded import Source
    from coblyn.engine.events import Finish
    from coblyn.engine.prompt import pack_ids
    from coblyn.engine.request import Request

    tokens = tuple((i * 7919 + turn * 31 + 13) % engine.info.vocab_size for i in range(prompt))
    encoded = await engine.encode(Source(ids=pack_ids(tokens)))
    request = Request(f"turn-{turn}", encoded.id, generate, ignore_eos=True)
    loop, stats = asyncio.get_running_loop(), None
    late = loop.call_later(seconds, lambda: loop.create_task(engine.cancel(request.id)))
    async for event in engine.generate(request):
        if isinstance(event, Finish):
            stats = event.stats
    late.cancel()
    if stats is None or not stats.num_generated:
        return Speed(0.0, 0.0)
    decoded = stats.num_generated - 1
    decode = decoded / stats.decode_seconds if decoded else 0.0
    return Speed(prompt / stats.prefill_seconds, decode)


@contextlib.contextmanager
def busy_loops(count: int) -> Iterator[None]:
    """Programs that take all they can get; they end with the block, with this program, or after ten minutes."""
    command = [sys.executable, "-c", _BUSY, str(_LONGEST)]
    loops = [subprocess.Popen(command) for _ in range(count)]
    try:
        time.sleep(1)  # until they run
        yield
    finally:
        for each in loops:
            each.kill()
        for each in loops:
            each.wait()


def compare(
    contenders: list[Contender], rounds: int, prompt: int, generate: int, seconds: float
) -> dict[str, list[Speed]]:
    """Turns of all; who is first changes."""
    speeds: dict[str, list[Speed]] = {str(each.setting): [] for each in contenders}
    for index in range(rounds):
        first = index % len(contenders)
        for each in contenders[first:] + contenders[:first]:
            speeds[str(each.setting)].append(each.run(prompt, generate, seconds))
    return speeds


def summary(speeds: dict[str, list[Speed]], reference: str) -> dict[str, dict[str, float]]:
    """Medians of each setting, and of its ratios to another's."""
    return {name: _figures(turns, speeds[reference]) for name, turns in speeds.items()}


def _figures(turns: list[Speed], others: list[Speed]) -> dict[str, float]:
    pairs = list(zip(turns, others, strict=True))
    return {
        "prefill": round(statistics.median(each.prefill for each in turns), 1),
        "prefill_ratio": _ratio([(each.prefill, other.prefill) for each, other in pairs]),
        "decode": round(statistics.median(each.decode for each in turns), 2),
        "decode_ratio": _ratio([(each.decode, other.decode) for each, other in pairs]),
    }


def _ratio(pairs: list[tuple[float, float]]) -> float:
    return round(statistics.median(a / b if b else 0.0 for a, b in pairs), 3)


def measure(arguments: argparse.Namespace) -> dict[str, dict[str, dict[str, float]]]:
    """Both states of the machine, by setting."""
    settings = [Setting.read(text) for text in arguments.settings.split(",")]
    reference = str(max(settings, key=lambda each: each.threads))
    with contextlib.ExitStack() as stack:
        contenders = []
        for setting in settings:
            contenders.append(Contender(arguments.model, setting))
            stack.callback(contenders[-1].close)
        quiet = compare(contenders, arguments.rounds, 256, 64, arguments.seconds)
        with busy_loops(arguments.loops):
            crowded = compare(contenders, arguments.crowded_rounds, 32, 40, arguments.seconds)
    return {"quiet": summary(quiet, reference), "crowded": summary(crowded, reference)}


def main() -> None:
    """Compare, print a table and one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    default = f"{cores}:own,1:own,{cores}:libgomp,{cores}:0"
    parser.add_argument("--settings", default=default, help="Threads and looks of each.")
    parser.add_argument("--rounds", type=int, default=5, help="Turns on the quiet machine.")
    parser.add_argument("--crowded-rounds", type=int, default=3, help="Turns beside the loops.")
    parser.add_argument("--loops", type=int, default=6, help="Busy loops.")
    parser.add_argument("--seconds", type=float, default=10.0, help="The longest turn, about.")
    parser.add_argument("--contend", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.contend:
        setting = Setting.read(arguments.contend)
        asyncio.run(contend(str(Path(arguments.model).resolve()), setting))
        return
    figures = measure(arguments)
    for state, settings in figures.items():
        for name, values in settings.items():
            print(f"{state:8} {name:12} " + "  ".join(f"{k} {v:g}" for k, v in values.items()))
    print(json.dumps({"loops": arguments.loops, **figures}))


if __name__ == "__main__":
    main()
