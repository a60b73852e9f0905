"""What does Coblyn's CPU accelerator bring, over the unmodified library, for some models?

Each round runs the bare C loop with the accelerator's hook in and with it out, in one process and context, in turns;
medians of the ratios are quoted. Beside the speeds stand limits of the machine, measured in the same run: how fast
it multiplies in whole numbers (bench/peak.c) and in single precision (a BLAS), and how fast it reads memory. A prompt
can not be read faster than the first allows; generated text can not be faster than the last allows for the bytes
of the weights, unless they fit into the caches.

    python bench/accelerator.py MODEL.gguf... [--page docs/accelerator.md]

It needs a C compiler, and the page matplotlib (pip install matplotlib). The last line of the output is one JSON object.
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
from coblyn.engine.tuning import tune, tune_attention
from coblyn.llama import devices
from coblyn.llama.accel import Accelerator
from coblyn.llama.context import Context, ContextOptions
from coblyn.llama.library import Library, open_library
from coblyn.llama.model import Model
from coblyn.native import bundle


@dataclass(frozen=True)
class Result:
    """Medians of one model.

    Attributes:
        name: The file's.
        size: Bytes of all weights.
        num_parameters: How many these are.
        prefill, decode: Tokens a second with the accelerator.
        prefill_ratio, decode_ratio: To the unmodified library's, taken round by round.
    """

    name: str
    size: int
    num_parameters: int
    prefill: float
    decode: float
    prefill_ratio: float
    decode_ratio: float


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
    wide = np.ones(1 << 27, np.float32)
    multiply = min(timed(lambda: square @ square) for _ in range(5))
    read = min(timed(lambda: np.dot(wide, wide)) for _ in range(5))
    return Machine(name, measure_whole(threads), 2 * 2048**3 / multiply, wide.nbytes / read)


def measure_whole(threads: int) -> float:
    """Products of bytes a second, by a program on each thread at the same time."""
    source = Path(__file__).with_name("peak.c")
    with tempfile.TemporaryDirectory() as folder:
        program = str(Path(folder) / "peak")
        subprocess.run(["cc", "-O2", "-march=native", str(source), "-o", program], check=True)
        return max(_together([program] * threads) for _ in range(5))


def _together(programs: list[str]) -> float:
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
    accelerator = Accelerator(library)
    length = arguments.prompt + arguments.generate
    options = ContextOptions(
        -(-length // 256) * 256, arguments.prompt, 1, arguments.threads, is_unified=False
    )
    with Model(library, path, cpu_only=True) as model:
        if reason := accelerator.install():
            raise SystemExit(f"There is nothing to measure: {reason}.")
        memory = paths.tunings() / f"{chosen.id}.json"
        kinds = accelerator.kinds(model.weight_types)
        tune(accelerator, kinds, width=model.width, threads=options.threads, memory=memory)
        tune_attention(
            accelerator,
            options.cache_kind,
            model.heads,
            is_unified=False,
            threads=options.threads,
            memory=memory,
        )
        with Context(model, options) as context:
            rounds = compare(accelerator, library, context, arguments)
        medians = [statistics.median(column) for column in zip(*rounds, strict=True)]
        return Result(path.stem, model.size, model.num_parameters, *medians)


def compare(
    accelerator: Accelerator, library: Library, context: Context, arguments: argparse.Namespace
) -> list[tuple[float, float, float, float]]:
    """Each round: both speeds with the accelerator, and their ratios to those without."""

    def run(*, is_ours: bool) -> tuple[float, float]:
        if is_ours:
            library.coblyn_accel_install()  # and nothing else: it stays as it was tuned
        else:
            accelerator.remove()
        seconds = context.bare_loop(num_prompt=arguments.prompt, num_generate=arguments.generate)
        return arguments.prompt / seconds[0], arguments.generate / seconds[1]

    run(is_ours=True)  # warms up
    rounds = []
    for index in range(arguments.rounds):
        order = (True, False) if index % 2 else (False, True)
        speeds = {is_ours: run(is_ours=is_ours) for is_ours in order}
        (prefill, decode), (plain_prefill, plain_decode) = speeds[True], speeds[False]
        rounds.append((prefill, decode, prefill / plain_prefill, decode / plain_decode))
    return rounds


def table(results: list[Result], machine: Machine) -> str:
    """The results as Markdown."""
    lines = [
        "| model | prefill, tokens/s | ratio | limit | decode, tokens/s | ratio | limit |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {each.name} | {each.prefill:.0f} | {each.prefill_ratio:.2f} "
        f"| {machine.whole / each.num_parameters:.0f} | {each.decode:.1f} "
        f"| {each.decode_ratio:.2f} | {machine.bandwidth / each.size:.0f} |"
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
        f"""# The CPU accelerator, measured

Made by `bench/accelerator.py`; medians of {arguments.rounds} rounds with the accelerator's hook in and out, in
turns, in one process. A prompt of {arguments.prompt} tokens is read, then {arguments.generate} are generated.
Ratios are to the unmodified library of the same bundle. "7B-shaped" are two layers of that shape, with random weights.

Machine: {machine.name}; {machine.whole / 1e9:.0f} thousand million
products of bytes with their sums a second (`bench/peak.c`), {machine.flops / 1e9:.0f} GFLOP/s and
{machine.bandwidth / 1e9:.1f} GB/s read, both in a BLAS.

![Ratios](images/{picture.name})

{table(results, machine)}

The limit of prefill is the products a second divided by the number of weights, as if there were no attention, and
nothing to unpack; of decode, the memory's speed divided by the bytes of the weights. What stays in the caches, or is
looked up by the token only, as embeddings are, does not count against either.
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
    speeds.legend(loc="lower right", fontsize=8)
    ratios.barh(at + 0.2, [each.prefill_ratio for each in results][::-1], 0.4, label="prefill")
    ratios.barh(at - 0.2, [each.decode_ratio for each in results][::-1], 0.4, label="decode")
    ratios.axvline(1, color="black", linewidth=0.8)
    ratios.set_xlabel("times the unmodified library")
    ratios.legend(loc="lower right", fontsize=8)
    figure.tight_layout()
    picture.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(picture, metadata={"Date": None})


def main() -> None:
    """Measure, print a table and one JSON object, and write the page if one is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--prompt", type=int, default=512)
    parser.add_argument("--generate", type=int, default=48)
    parser.add_argument("--threads", type=int, default=psutil.cpu_count(logical=False) or 1)
    parser.add_argument("--page", type=Path, help="Markdown file to write, with its plot.")
    arguments = parser.parse_args()

    library = open_library(bundle.current().lib_dir)
    machine = measure_machine(library, arguments.threads)
    results = []
    for path in arguments.models:
        results.append(measure(path, arguments))
        print(results[-1], flush=True)
    print(table(results, machine))
    if arguments.page:
        write_page(arguments.page, results, machine, arguments)
    print(json.dumps({"machine": asdict(machine), "models": [asdict(each) for each in results]}))


if __name__ == "__main__":
    main()
