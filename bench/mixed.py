"""What does it cost to be different: eight streams of all kinds, beside eight plain ones.

    python bench/mixed.py MODEL.gguf [--tokens 96] [--turns 5] [--only KIND ...]

The mixture has three chains of samplers, two schemas, banned phrases, a text that repeats its prompt (and is guessed
ahead), and guidance by a negative prompt. The other kinds are the same with one of these made plain, to see what costs
what. All kinds are written in turns, after one turn to warm up.

Each kind is told with what the engine did: tokens per decode, decodes per plan (more than one where steps in a row need
no decision), the part of the draws whose mask was late, and texts taken back. A guided stream computes two tokens for
each that it writes: ``computed`` counts both, ``written`` what a client sees. The last line is one JSON object with
medians of the ratios to eight plain streams, turn by turn; ``processor`` is per second of processor time, which other
programs disturb less.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from coblyn.constraints.constraint import Constraint
from coblyn.engine.config import EngineConfig
from coblyn.engine.encoded import Source, Text
from coblyn.engine.events import Failed, Finish
from coblyn.engine.local import LocalEngine
from coblyn.engine.params import SamplingParams
from coblyn.engine.plan import Plan, Sampled
from coblyn.engine.request import Request
from coblyn.engine.runner import LlamaRunner
from coblyn.llama.sampler import Draw
from coblyn.llama.shim import Drawn
from coblyn.llama.steps import Steps
from coblyn.native import bundle

STORY = (
    "Chapter {}. The old miner put down his lamp and listened. Far below, somebody was knocking. "
)
LIST = "# {}\n\n" + 4 * (
    "def names():\n    return ['copper', 'iron', 'lead', 'silver', 'tin', 'zinc']\n\n"
)

PLAIN = SamplingParams(temperature=0.8)
NUMBERS = {"type": "array", "items": {"type": "integer"}, "minItems": 1000}
MINERS = {
    "type": "array",
    "minItems": 1000,
    "items": {
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["name", "age"],
        "additionalProperties": False,
    },
}


class Stream(NamedTuple):
    """One of the eight: what its request has that a plain one has not."""

    options: Mapping[str, Any] = {}
    prompt: str = STORY
    negative: str = ""


def _bound(schema: object) -> Stream:
    return Stream({"constraint": Constraint("json_schema", json.dumps(schema))})


PARTS = {
    "min-p": Stream({"sampling": SamplingParams(temperature=1.25, min_p=0.05)}),
    "dry": Stream(
        {
            "sampling": SamplingParams(
                temperature=0.75,
                top_k=100,
                top_p=0.92,
                repetition_penalty=1.05,
                repetition_range=360,
                dry_multiplier=0.8,
                xtc_probability=0.5,
                xtc_threshold=0.1,
            )
        }
    ),
    "mirostat": Stream({"sampling": SamplingParams(mirostat=2, max_candidates=3000)}),
    "numbers": _bound(NUMBERS),
    "miners": _bound(MINERS),
    "bans": Stream({"banned_phrases": ("whisper", "shiver", "little did", "the old miner")}),
    "draft": Stream({"speculates": True, "sampling": SamplingParams(temperature=0.0)}, LIST),
    "guided": Stream({"sampling": replace(PLAIN, guidance_scale=1.5)}, negative="A dull list of words. "),
}  # fmt: skip

KINDS: dict[str, Sequence[str]] = {
    "plain": (),
    "mixed": tuple(PARTS),
    **{
        f"without {name}": tuple(each for each in PARTS if each not in names)
        for name, names in (
            ("chains", ("min-p", "dry", "mirostat")),
            ("schemas", ("numbers", "miners")),
            ("bans", ("bans",)),
            ("draft", ("draft",)),
            ("guidance", ("guided",)),
        )
    },
    "only guidance": ("guided",),
    "only schemas": ("numbers", "miners"),
}


class CountedSteps(Steps):
    """Steps that count decodes and the tokens in them."""

    counts: Counter[str]

    def run(self, num_tokens: int, draws: Sequence[Draw], **options: Any) -> list[list[Drawn]]:
        drawn = super().run(num_tokens, draws, **options)
        num_steps = self._steps.n_done
        following = sum(1 + (draw.away is not None) for draw in draws if draw.max_drawn)
        self.counts["decodes"] += num_steps - 1 + bool(num_tokens)
        self.counts["computed"] += num_tokens + (num_steps - 1) * following
        self.counts["draws"] += len(draws)
        self.counts["late"] += sum(draw.max_drawn == 0 for draw in draws)
        return drawn


class CountedRunner(LlamaRunner):
    """A runner that counts what it was asked to do."""

    def __init__(self, config: EngineConfig) -> None:
        super().__init__(config)
        self.counts = Counter[str]()
        self._steps = CountedSteps(self._context, self._batch, self._options.max_sequences)
        self._steps.counts = self.counts

    def run(self, plan: Plan) -> Sequence[Sequence[Sampled]]:
        self.counts["plans"] += 1
        self.counts["rows"] += len(plan.rows)
        self.counts["operations"] += len(plan.operations)
        self.counts["taken back"] += len(plan.rewinds)
        return super().run(plan)


class Speed(NamedTuple):
    """Tokens per second of all streams together, and per second of processor time; what the engine did for them."""

    written: float
    computed: float
    processor: float
    counts: Mapping[str, int]

    def __str__(self) -> str:
        counts = self.counts
        decodes = max(1, counts["decodes"])
        return (
            f"{self.written:6.1f} written/s, {self.computed:6.1f} computed/s, "
            f"{self.processor:6.1f} computed per processor second, "
            f"{counts['computed'] / decodes:5.2f} tokens per decode, "
            f"{decodes / max(1, counts['plans']):4.2f} decodes per plan, "
            f"{100 * counts['late'] / max(1, counts['draws']):4.1f} % late, "
            f"{counts['taken back']} taken back, {counts['operations']} cache operations"
        )


async def _write(engine: LocalEngine, stream: Stream, name: str, tokens: int) -> tuple[int, int]:
    """Tokens that a stream wrote, and those that it computed after its prompt."""
    prompt = await engine.encode(Source((Text(stream.prompt.format(name)),)))
    options = {"sampling": PLAIN, "speculates": False, **stream.options}
    if stream.negative:
        negative = await engine.encode(
            Source((Text(stream.negative + stream.prompt.format(name)),))
        )
        options["negative"] = negative.id
    request = Request(name, prompt.id, tokens, ignore_eos=True, **options)
    async for event in engine.generate(request):
        if isinstance(event, Failed):
            raise SystemExit(f"{name}: {event}")
        if isinstance(event, Finish):
            written = event.stats.num_generated
            return written, written * (2 if stream.negative else 1)
    raise AssertionError("it has an end")


async def speed(
    engine: LocalEngine, counts: Counter[str], kind: str, turn: int, tokens: int
) -> Speed:
    """Of the streams of a kind; those it lacks are plain ones."""
    plain = [Stream(prompt=stream.prompt) for stream in PARTS.values()]
    streams = [
        PARTS[part] if part in KINDS[kind] else plain[index] for index, part in enumerate(PARTS)
    ]
    counts.clear()
    began, worked = time.perf_counter(), time.process_time()
    totals = await asyncio.gather(
        *(
            _write(engine, stream, f"{kind} {turn} {index}", tokens)
            for index, stream in enumerate(streams)
        )
    )
    seconds, processor = time.perf_counter() - began, time.process_time() - worked
    written, computed = map(sum, zip(*totals, strict=True))
    return Speed(written / seconds, computed / seconds, computed / processor, dict(counts))


async def measure(model: Path, kinds: Sequence[str], tokens: int, turns: int) -> dict[str, Any]:
    """All kinds, in turns."""
    in_use = bundle.current()
    config = EngineConfig(
        str(model), str(in_use.lib_dir), in_use.id, context=1024, max_running=len(PARTS)
    )
    made: list[CountedRunner] = []

    def make() -> CountedRunner:
        made.append(CountedRunner(config))
        return made[0]

    engine = LocalEngine(make, max_running=len(PARTS), speculates=True)
    found: dict[str, list[Speed]] = {kind: [] for kind in kinds}
    try:
        for turn in range(turns + 1):
            for kind in kinds:
                found[kind].append(await speed(engine, made[0].counts, kind, turn, tokens))
                print(f"turn {turn}: {kind:17} {found[kind][-1]}", flush=True)
    finally:
        await engine.close()
    return {
        kind: {
            f"{which} to plain": round(
                statistics.median(
                    getattr(speed, which) / getattr(plain, which)
                    for speed, plain in zip(speeds[1:], found["plain"][1:], strict=True)
                ),
                3,
            )
            for which in ("written", "computed", "processor")
        }
        for kind, speeds in found.items()
    }


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("--tokens", type=int, default=96)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=list(KINDS), default=list(KINDS))
    asked = parser.parse_args()
    kinds = list(dict.fromkeys(["plain", *asked.only]))
    print(json.dumps(asyncio.run(measure(asked.model, kinds, asked.tokens, asked.turns))))


if __name__ == "__main__":
    main()
