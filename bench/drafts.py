"""What does guessing ahead bring: one stream with drafts and without, on texts where they hit and where they do not?

    python bench/drafts.py MODEL.gguf [--tokens 160] [--turns 7] [--only WORK ...] [--threads 0] [--draft FILE]

Each line has the tokens per second of the decode (prompts are not in it) with drafts and without, how many drafts there
were and how many were right, and whether both texts are the same: with quantized weights a larger step rounds
differently. The last line is one JSON object with medians of the ratios, turn by turn, in wall time and in processor
time. On a busy machine only the latter says anything, with one thread (``--threads 1``): several wait for each other by
spinning.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from coblyn.constraints.constraint import Constraint
from coblyn.engine.config import EngineConfig
from coblyn.engine.encoded import Source, Text
from coblyn.engine.events import Delta, Failed, Finish
from coblyn.engine.local import LocalEngine
from coblyn.engine.params import SamplingParams
from coblyn.engine.request import Request
from coblyn.engine.runner import LlamaRunner
from coblyn.native import bundle

CODE = """# Turn {}
class Lamp:
    def __init__(self, name, oil):
        self.name = name
        self.oil = oil
        self.is_lit = False

    def light(self):
        if self.oil > 0:
            self.is_lit = True
        return self.is_lit

    def burn(self, hours):
        self.oil = max(0, self.oil - hours)
        if self.oil == 0:
            self.is_lit = False


"""
MINERS = [
    {"name": "Ifor Pryce", "age": 41, "tools": ["pick", "lamp"]},
    {"name": "Mair Bevan", "age": 35, "tools": ["rope", "lamp", "bell"]},
    {"name": "Huw Morgan", "age": 52, "tools": ["hammer"]},
]
EDITED = (
    CODE.split("    def burn", maxsplit=1)[0]
    .replace("oil", "fuel")
    .replace("Turn {}", "Now with fuel")
)
RECORDS = "Turn {}. The list: " + json.dumps(MINERS).replace("{", "{{").replace("}", "}}")
SCHEMA = {
    "type": "array",
    "minItems": 200,
    "items": {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "age": {"type": "integer"},
            "tools": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["name", "age", "tools"],
        "additionalProperties": False,
    },
}
GREEDY = SamplingParams(temperature=0.0)


_LONGEST = 600.0
"""Maximum number of seconds for one text."""


class Work(NamedTuple):
    """What is written: behind which prompt, and how."""

    prompt: str
    options: Mapping[str, Any]


WORKS = {
    "prose": Work(
        "Turn {}. The old miner put down his lamp and listened. Far below,",
        {"sampling": SamplingParams(temperature=0.9)},
    ),
    "code": Work(CODE + CODE.replace("Turn {}", "The same again"), {"sampling": GREEDY}),
    "edit": Work(CODE + EDITED, {"sampling": GREEDY}),
    "records": Work(
        RECORDS + "\nThe same list again: ",
        {"sampling": GREEDY, "constraint": Constraint("json_schema", json.dumps(SCHEMA))},
    ),
}


class Run(NamedTuple):
    """A text: tokens per second and per second of processor time, drafts, those that were right."""

    wall: float
    processor: float
    num_drafts: int
    num_right: int
    text: str


async def write(engine: LocalEngine, name: str, work: Work, tokens: int, *, drafts: bool) -> Run:
    """One text; time is counted from its first token on."""
    prompt = await engine.encode(Source((Text(work.prompt.format(name)),)))
    # The next request begins before the events of this one are closed, so the ids differ.
    own = f"{name} {work.prompt[:20]} {drafts}"
    request = Request(own, prompt.id, tokens, ignore_eos=True, speculates=drafts, **work.options)
    text, began, worked = "", 0.0, 0.0
    async with asyncio.timeout(_LONGEST):
        async for event in engine.generate(request):
            if isinstance(event, Failed):
                raise SystemExit(f"{name}: {event}")
            if isinstance(event, Delta):
                if not began:
                    began, worked = time.perf_counter(), time.process_time()
                text += event.text
            if isinstance(event, Finish):
                stats, used = event.stats, time.process_time() - worked
                seconds = time.perf_counter() - began
                done = stats.num_generated
                return Run(done / seconds, done / used, stats.num_drafts, stats.num_right, text)
    raise AssertionError("it has an end")


async def measure(
    model: Path, tokens: int, turns: int, only: Sequence[str], threads: int, draft: str
) -> dict[str, dict[str, float]]:
    """All works in turns, after one turn to warm up."""
    works = {name: WORKS[name] for name in only or WORKS}
    in_use = bundle.current()
    config = EngineConfig(
        str(model),
        str(in_use.lib_dir),
        in_use.id,
        context=2048,
        max_running=2,
        threads=threads,
        draft_model=draft,
    )
    engine = LocalEngine(partial(LlamaRunner, config), max_running=2, speculates=True)
    found: dict[str, list[tuple[Run, Run]]] = {name: [] for name in works}
    try:
        for turn in range(turns + 1):
            for name, work in works.items():
                runs = {
                    drafts: await write(engine, f"{turn}", work, tokens, drafts=drafts)
                    for drafts in ((True, False) if turn % 2 else (False, True))
                }
                found[name].append((runs[True], runs[False]))
                print(f"turn {turn}: {name:8} {_line(runs[True], runs[False])}", flush=True)
    finally:
        await engine.close()
    return {
        name: {
            which: round(
                statistics.median(getattr(a, which) / getattr(b, which) for a, b in pairs[1:]), 3
            )
            for which in ("wall", "processor")
        }
        for name, pairs in found.items()
    }


def _line(ahead: Run, alone: Run) -> str:
    same = "same" if ahead.text == alone.text else "another"
    return (
        f"{ahead.wall:6.1f} and {alone.wall:6.1f} tokens/s, "
        f"{ahead.num_right} of {ahead.num_drafts} drafts right, {same} text"
    )


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("--tokens", type=int, default=160)
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--draft", default="", metavar="FILE", help="a draft model, or a head")
    parser.add_argument("--only", nargs="*", default=[], choices=WORKS)
    print(json.dumps(asyncio.run(measure(**vars(parser.parse_args())))))


if __name__ == "__main__":
    main()
