"""Is a generated token faster with Coblyn's kernels than with the library's own, in the library's own layout?

`bench/kernels.py` takes the hook out of one and the same model. Here the model is loaded twice: from the mapped file as
it lies, for our kernels, and as the library has it by itself, which copies the weights of some types into a layout
of its own. Both decode token by token in turns, behind the same cells.

    python bench/repacked.py MODEL.gguf... [--threads 2] [--depth 16 --depth 512]

The last line of the output is one JSON object: for each model and depth the median of the ratios.
"""

from __future__ import annotations

import argparse
import json
import statistics
from dataclasses import dataclass
from pathlib import Path

from coblyn.llama.context import Batch, Context, ContextOptions
from coblyn.llama.kernels import Kernels
from coblyn.llama.library import open_library
from coblyn.llama.model import Model
from coblyn.native import bundle
from kernels import Switch, filled, in_turns, ratio, timed, tuned

ROUNDS = 25


@dataclass(frozen=True)
class Decoder:
    """A context with some cells, behind which one token is decoded again and again."""

    context: Context
    batch: Batch
    depth: int

    def decode(self) -> None:
        """Decode a token, and forget it."""
        self.batch.put(0, 1, self.depth, 0, output=True)
        self.context.decode(self.batch, 1)
        self.context.synchronize()
        self.context.remove(0, self.depth)


def compare(switch: Switch, ours: Context, theirs: Context, depth: int) -> dict[bool, list[float]]:
    """Seconds of a token with our kernels and without."""
    decoders = {}
    for is_ours, context in ((True, ours), (False, theirs)):
        switch.turn(is_on=is_ours)
        decoders[is_ours] = Decoder(context, filled(context, depth), depth)

    def run(*, is_ours: bool) -> float:
        switch.turn(is_on=is_ours)
        decoders[is_ours].decode()  # what the hook proves of itself left other things in the caches
        return timed(decoders[is_ours].decode)

    return in_turns(run, ROUNDS)


def measure(path: Path, threads: int, depths: list[int]) -> dict[str, float]:
    """Ratios of one model, by depth."""
    chosen = bundle.current()
    library = open_library(chosen.lib_dir)
    options = ContextOptions(-(-max(depths) // 256) * 256 + 256, 512, 1, threads, is_unified=False)
    ratios = {}
    with (
        Model(library, path, cpu_only=True, plain_layout=True) as plain,
        Model(library, path, cpu_only=True) as repacked,
    ):
        kernels = tuned(Kernels(library), plain, options, chosen.id)
        with Context(plain, options) as ours, Context(repacked, options) as theirs:
            for depth in depths:
                seconds = compare(Switch(kernels, library), ours, theirs, depth)
                ratios[str(depth)] = ratio(seconds)
                speed = 1 / statistics.median(seconds[True])
                print(f"{path.stem} at {depth}: {speed:.1f} tokens/s, {ratios[str(depth)]:.2f}")
    return ratios


def main() -> None:
    """Measure the models that are named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--depth", type=int, action="append")
    arguments = parser.parse_args()
    depths = arguments.depth or [16, 512]
    print(json.dumps({m.stem: measure(m, arguments.threads, depths) for m in arguments.models}))


if __name__ == "__main__":
    main()
