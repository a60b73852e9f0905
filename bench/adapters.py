"""What do adapters cost: eight streams with three adapters and with none, mixed, beside eight with one choice.

    python bench/adapters.py MODEL.gguf [--streams 8] [--tokens 64] [--rank 16] [--turns 5]

The adapters are written for the model, with small random weights for all matrices of its layers. The streams of each
mixture are written in turns, after one to warm up. The last line is one JSON object: tokens per second of all streams
together, medians over the turns, and their ratios to eight streams with one adapter, turn by turn; the same for tokens
per second of processor time, which other programs disturb less.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from coblyn.engine.config import EngineConfig
from coblyn.engine.encoded import Source, Text
from coblyn.engine.events import Finish
from coblyn.engine.local import LocalEngine
from coblyn.engine.prompt import Adapter
from coblyn.engine.request import Request
from coblyn.engine.runner import LlamaRunner
from coblyn.models.gguf import read_header
from coblyn.native import bundle
from coblyn.proof.gguf import Stored, Value, write_gguf

NUM_ADAPTERS = 3


def write_lora(path: Path, model: Path, rank: int, seed: int) -> None:
    """An adapter for every matrix of a model's layers."""
    header, random = read_header(model), np.random.default_rng(seed)
    metadata: dict[str, Value] = {
        "general.type": "adapter",
        "general.architecture": header.architecture,
        "adapter.type": "lora",
        "adapter.lora.alpha": float(rank),
    }
    tensors = {}
    for tensor in header.tensors:
        if tensor.name.startswith("blk.") and len(tensor.shape) == 2:
            inputs, outputs = tensor.shape
            for part, shape in (("a", (rank, inputs)), ("b", (outputs, rank))):
                numbers = random.normal(0, 0.02, shape).astype("<f2")
                tensors[f"{tensor.name}.lora_{part}"] = Stored(1, shape, numbers.tobytes())
    write_gguf(path, metadata, tensors)


class Speed(NamedTuple):
    """Tokens per second, and per second of processor time."""

    wall: float
    processor: float


async def speed(engine: LocalEngine, chosen: list[int | None], turn: str, tokens: int) -> Speed:
    """Of streams, each with the adapter of a number or with none."""
    digests = [info.digest for info in engine.info.adapters]

    async def write(index: int, which: int | None) -> int:
        adapters = () if which is None else (Adapter(digests[which]),)
        text = f"Chapter {index} of {turn}. The old miner put down his lamp, and listened."
        prompt = await engine.encode(Source((Text(text),), adapters=adapters))
        request = Request(f"{turn} {index}", prompt.id, tokens, ignore_eos=True, speculates=False)
        async for event in engine.generate(request):
            if isinstance(event, Finish):
                return event.stats.num_generated
        raise AssertionError("it has an end")

    began, worked = time.perf_counter(), time.process_time()
    written = await asyncio.gather(*(write(index, which) for index, which in enumerate(chosen)))
    total = sum(written)
    return Speed(total / (time.perf_counter() - began), total / (time.process_time() - worked))


async def measure(
    model: Path, streams: int, tokens: int, rank: int, turns: int
) -> dict[str, object]:
    """All mixtures, in turns."""
    with tempfile.TemporaryDirectory() as place:
        files = [Path(place) / f"{number}.gguf" for number in range(NUM_ADAPTERS)]
        for number, file in enumerate(files):
            write_lora(file, model, rank, number)
        in_use = bundle.current()
        config = EngineConfig(
            str(model),
            str(in_use.lib_dir),
            in_use.id,
            context=1024,
            max_running=streams,
            adapters=tuple(f"a{number}={file}" for number, file in enumerate(files)),
        )
        engine = LocalEngine(partial(LlamaRunner, config), max_running=streams)
    kinds: dict[str, list[int | None]] = {
        "none": [None] * streams,
        "one": [0] * streams,
        "mixed": [(None, 0, 1, 2)[index % 4] for index in range(streams)],
    }
    found: dict[str, list[Speed]] = {kind: [] for kind in kinds}
    try:
        for turn in range(turns + 1):
            for kind, chosen in kinds.items():
                found[kind].append(await speed(engine, chosen, f"{kind} {turn}", tokens))
                last = found[kind][-1]
                print(
                    f"turn {turn}: {kind}: {last.wall:.1f} tokens/s, {last.processor:.1f} per second of processor time",
                    flush=True,
                )
    finally:
        await engine.close()
    return {
        which: {
            kind: {
                "tokens_per_second": statistics.median(each[place] for each in speeds[1:]),
                "ratio_to_one": statistics.median(
                    a[place] / b[place] for a, b in zip(speeds[1:], found["one"][1:], strict=True)
                ),
            }
            for kind, speeds in found.items()
        }
        for place, which in enumerate(Speed._fields)
    }


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--streams", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--turns", type=int, default=5)
    print(json.dumps(asyncio.run(measure(**vars(parser.parse_args())))))


if __name__ == "__main__":
    main()
