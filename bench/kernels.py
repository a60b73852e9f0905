"""What do Coblyn's CPU kernels bring, over the unmodified library, for some models?

Prompts are read by the bare C loop, round by round with the kernels' hook in and with it out, in one process and
context. Generating is compared token by token: each is decoded with the hook in and with it out, in turns, behind the
same cells, since a busy machine changes its speed from one second to the next. Medians of the ratios are quoted.
Beside the speeds stand limits of the machine, measured in the same run: how fast it multiplies in whole numbers
and reads memory (bench/peak.c), and multiplies in single precision (a BLAS). A prompt cannot be read faster than
the first allows; generated text cannot be faster than the last allows for the bytes of the weights, unless they fit
into the caches.

    python bench/kernels.py MODEL.gguf... [--page docs/kernels.md]

`bench/models.py` writes the models of the page. It needs a C compiler, and the page matplotlib (pip install
matplotlib). The last line of the output is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import psutil

from coblyn import paths
from coblyn.llama import devices
from coblyn.llama.context import Batch, Context, ContextOptions
from coblyn.llama.kernels import Kernels
from coblyn.llama.library import Library, open_library
from coblyn.llama.model import Model
from coblyn.native import bundle
from coblyn.tuning.tuning import (
    Tuner,
    attention_questions,
    few_questions,
    product_questions,
    tile_questions,
)


@dataclass(frozen=True)
class Result:
    """Medians of one model.

    Attributes:
        name: The file's.
        size: Bytes of all weights.
        num_parameters: How many these are.
        prefill: Tokens a second with the kernels.
        prefill_ratio: To the unmodified library's, taken round by round.
        decode, deep_decode: Tokens a second with the kernels, behind a short and a long context.
        decode_ratio, deep_decode_ratio: To the unmodified library's, taken token by token.
    """

    name: str
    size: int
    num_parameters: int
    prefill: float
    prefill_ratio: float
    decode: float
    decode_ratio: float
    deep_decode: float
    deep_decode_ratio: float


@dataclass(frozen=True)
class Machine:
    """What was measured on, and its limits.

    Attributes:
        name: Threads and instruction sets.
        whole: Products of bytes, each with its sum, a second.
        flops: Products and sums a second in single precision.
        bandwidth: Bytes a second read.
    """

    name: str
    whole: float
    flops: float
    bandwidth: float


def measure_machine(library: Library, threads: int) -> Machine:
    """The best of some tries; other programs only take away."""
    name = f"{threads} threads, {', '.join(devices.cpu_features(library))}"
    square = np.ones((2048, 2048), np.float32)
    multiply = min(timed(lambda: square @ square) for _ in range(5))
    flops = 2 * 2048**3 / multiply
    return Machine(name, peak("products", threads), flops, peak("memory", threads))


def peak(of_what: str, threads: int) -> float:
    """Products of bytes, or bytes read, a second, by a program on each thread at the same time."""
    source = Path(__file__).with_name("peak.c")
    with tempfile.TemporaryDirectory() as folder:
        program = str(Path(folder) / "peak")
        subprocess.run(["cc", "-O2", "-march=native", str(source), "-o", program], check=True)
        return max(_together([[program, of_what]] * threads) for _ in range(5))


def _together(programs: list[list[str]]) -> float:
    """The sum of what they print."""
    started = [subprocess.Popen(program, stdout=subprocess.PIPE) for program in programs]
    return sum(float(process.communicate()[0]) for process in started)


def timed(work: Callable[[], object]) -> float:
    """Seconds of a call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def measure(path: Path, arguments: argparse.Namespace) -> Result:
    """One model, with the hook in and out."""
    chosen = bundle.current()
    library = open_library(chosen.lib_dir)
    kernels = Kernels(library)
    length = max(arguments.prompt, arguments.deep) + 1
    options = ContextOptions(
        -(-length // 256) * 256, arguments.prompt, 1, arguments.threads, is_unified=False
    )
    with Model(library, path, cpu_only=True) as model:
        tuned(kernels, model, options, chosen.id)
        with Context(model, options) as context:
            switch = Switch(kernels, library)
            figures = (
                *compare_prefill(switch, context, arguments),
                *compare_decode(switch, context, arguments.prompt, arguments.generate),
                *compare_decode(switch, context, arguments.deep, arguments.generate),
            )
        return Result(path.stem, model.size, model.num_parameters, *figures)


def tuned(kernels: Kernels, model: Model, options: ContextOptions, bundle_id: str) -> Kernels:
    """The hook, put in, with what was measured to be fastest."""
    if reason := kernels.install():
        raise SystemExit(f"There is nothing to measure: {reason}.")
    kinds, width, threads = kernels.kinds(model.weight_types), model.width, options.threads
    questions = (
        *tile_questions(kernels, kinds, width=width, threads=threads),
        *product_questions(kernels, kinds, width=width, threads=threads),
        *few_questions(kernels, kinds, width=width, threads=threads),
        *attention_questions(
            kernels, options.cache_kind, model.heads, is_unified=False, threads=threads
        ),
    )
    Tuner(kernels, questions, paths.tunings() / f"{bundle_id}.json").tune()
    return kernels


@dataclass(frozen=True)
class Switch:
    """Takes the hook out and in."""

    kernels: Kernels
    library: Library

    def turn(self, *, is_on: bool) -> None:
        """Change it, and nothing else: the kernels stay as it was tuned."""
        if is_on:
            self.library.coblyn_kernels_install()
        else:
            self.kernels.remove()


def compare_prefill(
    switch: Switch, context: Context, arguments: argparse.Namespace
) -> tuple[float, float]:
    """Tokens a second with the kernels, and times as many as without."""

    def run(*, is_ours: bool) -> float:
        switch.turn(is_on=is_ours)
        return context.bare_loop(num_prompt=arguments.prompt, num_generate=0)[0]

    run(is_ours=True)  # warms up
    seconds = in_turns(run, arguments.rounds)
    return arguments.prompt / statistics.median(seconds[True]), ratio(seconds)


def filled(context: Context, depth: int) -> Batch:
    """Put ``depth`` cells of some tokens into a context; gives a batch for more."""
    context.clear()
    batch = Batch(context.max_batch)
    for start in range(0, depth, batch.capacity):
        places = range(start, min(depth, start + batch.capacity))
        some = [(place * 7919 + 13) % context.model.vocab_size for place in places]
        batch.fill(0, some, start, 0, output=False)
        context.decode(batch, len(some))
    context.synchronize()
    return batch


def compare_decode(
    switch: Switch, context: Context, depth: int, rounds: int
) -> tuple[float, float]:
    """Tokens a second with the kernels behind ``depth`` cells, and times as many as without."""
    switch.turn(is_on=True)
    batch = filled(context, depth)

    def run(*, is_ours: bool) -> float:
        switch.turn(is_on=is_ours)
        batch.put(0, 1, depth, 0, output=True)
        decode()  # what the hook proves of itself as it is put in left other things in the caches, and other threads
        return timed(decode)

    def decode() -> None:
        context.decode(batch, 1)
        context.synchronize()
        context.remove(0, depth)

    run(is_ours=True)
    seconds = in_turns(run, rounds)
    return 1 / statistics.median(seconds[True]), ratio(seconds)


def in_turns(run: Callable[..., float], rounds: int) -> dict[bool, list[float]]:
    """Seconds with the kernels and without; who is first changes."""
    seconds: dict[bool, list[float]] = {True: [], False: []}
    for index in range(rounds):
        for is_ours in (True, False) if index % 2 else (False, True):
            seconds[is_ours].append(run(is_ours=is_ours))
    return seconds


def ratio(seconds: dict[bool, list[float]]) -> float:
    """The median of the rounds' ratios."""
    pairs = zip(seconds[False], seconds[True], strict=True)
    return statistics.median(theirs / ours for theirs, ours in pairs)


def table(results: list[Result], machine: Machine, deep: int) -> str:
    """The results as Markdown; ``deep`` is the length of the long context."""
    speeds = ("prefill, tokens/s", "ratio", "limit", "decode, tokens/s", "ratio", "limit")
    names = ("model", *speeds, f"decode behind {deep:,} tokens", "ratio")
    lines = [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]
    lines += [
        f"| {each.name} | {each.prefill:.0f} | {each.prefill_ratio:.2f} "
        f"| {machine.whole / each.num_parameters:.0f} | {each.decode:.1f} "
        f"| {each.decode_ratio:.2f} | {machine.bandwidth / each.size:.0f} "
        f"| {each.deep_decode:.1f} | {each.deep_decode_ratio:.2f} |"
        for each in results
    ]
    return "\n".join(lines)


def write_page(
    page: Path, results: list[Result], machine: Machine, arguments: argparse.Namespace
) -> None:
    """A page with the table, and a plot beside it."""
    picture = page.parent / "images" / f"{page.stem}.svg"
    plot(picture, results, machine)
    page.write_text(
        f"""# The CPU kernels, measured

Made by `bench/kernels.py`; medians of {arguments.rounds} prompts of {arguments.prompt} tokens and of
{arguments.generate} generated tokens, each with the kernels' hook in and out, in turns, in one process.
Ratios are to the unmodified library of the same bundle. "7B-shaped" and the like are two layers of that shape, with
random weights (`bench/models.py`).

Machine: {machine.name}; {machine.whole / 1e9:.0f} thousand million
products of bytes with their sums and {machine.bandwidth / 1e9:.1f} GB/s read (`bench/peak.c`),
{machine.flops / 1e9:.0f} GFLOP/s in a BLAS.

![Ratios](images/{picture.name})

{table(results, machine, arguments.deep)}

The limit of prefill is the products a second divided by the number of weights, as if there were no attention, and
nothing to unpack; of decode, the memory's speed divided by the bytes of the weights, without the context's. What
stays in the caches, or is looked up by the token only, as embeddings are, does not count against either.
""",
        "utf-8",
    )


def plot(picture: Path, results: list[Result], machine: Machine) -> None:
    """Bars of prefill's speed under the lines that the machine could reach, and ratios of both."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "coblyn"
    from matplotlib import pyplot as plt

    names = [each.name for each in results][::-1]
    at = np.arange(len(names))
    figure, (speeds, ratios) = plt.subplots(1, 2, figsize=(11, 1 + 0.4 * len(names)), sharey=True)
    speeds.barh(at, [each.prefill for each in results][::-1], color="#2a6f97")
    for peak, style, label in (
        (machine.whole, "k|", "all that the processor multiplies in whole numbers"),
        (machine.flops / 2, "r|", "a BLAS in single precision"),
    ):
        limits = [peak / each.num_parameters for each in results][::-1]
        speeds.plot(limits, at, style, markersize=14, label=label)
    speeds.set_xlabel("prefill, tokens a second")
    speeds.set_yticks(at, names)
    for shift, label, bars in (
        (0.27, "prefill", [each.prefill_ratio for each in results]),
        (0, "decode", [each.decode_ratio for each in results]),
        (-0.27, "decode, long context", [each.deep_decode_ratio for each in results]),
    ):
        ratios.barh(at + shift, bars[::-1], 0.27, label=label)
    ratios.axvline(1, color="black", linewidth=0.8)
    ratios.set_xlabel("times the unmodified library")
    for axes in (speeds, ratios):
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.08), ncols=3, fontsize=8)
    figure.tight_layout()
    picture.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(picture, metadata={"Date": None})


def main() -> None:
    """Measure, print a table and one JSON object, and write the page if one is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--prompt", type=int, default=512)
    parser.add_argument("--deep", type=int, default=3500, help="Tokens of a long context.")
    parser.add_argument("--generate", type=int, default=100)
    parser.add_argument("--threads", type=int, default=psutil.cpu_count(logical=False) or 1)
    parser.add_argument("--page", type=Path, help="Markdown file to write, with its plot.")
    arguments = parser.parse_args()

    library = open_library(bundle.current().lib_dir)
    machine = measure_machine(library, arguments.threads)
    results = []
    for path in arguments.models:
        results.append(measure(path, arguments))
        print(results[-1], flush=True)
    print(table(results, machine, arguments.deep))
    if arguments.page:
        write_page(arguments.page, results, machine, arguments)
    print(json.dumps({"machine": asdict(machine), "models": [asdict(each) for each in results]}))


if __name__ == "__main__":
    main()
