"""Do Coblyn's CPU kernels change what models say? Against the unmodified library, for some models.

Reads a text in windows with the kernels' hook in and with it out, every product and attention ours that we have
code for, and compares the models' distributions at every token: the mean Kullback-Leibler divergence in nats, the
ratio of the perplexities, and how often the most likely token is the same.

    python bench/accuracy.py MODEL.gguf... [--text FILE] [--page docs/accuracy.md]

The last line of the output is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray

from coblyn.llama.context import Batch, Context, ContextOptions
from coblyn.llama.kernels import Kernels
from coblyn.llama.library import open_library
from coblyn.llama.model import Model
from coblyn.native import bundle

WINDOW = 512
NUM_KINDS = 64  # more types of weights than ggml has; those without code of ours stay
TEXT = Path(__file__).parent.parent / "docs" / "decisions.md"

Logs = NDArray[np.float32]
"""Natural logarithms of probabilities: (tokens, vocabulary)."""


@dataclass(frozen=True)
class Result:
    """What a model says with the kernels, compared to without.

    Attributes:
        name: The file's.
        num_tokens: Tokens that were compared.
        divergence: Mean Kullback-Leibler divergence to the unmodified run, in nats.
        perplexity, perplexity_ratio: With the kernels, and to that without.
        same_best: Part of the tokens after which the most likely one is the same.
    """

    name: str
    num_tokens: int
    divergence: float
    perplexity: float
    perplexity_ratio: float
    same_best: float


def compare(path: Path, text: str, arguments: argparse.Namespace) -> Result:
    """One model over a text."""
    library = open_library(bundle.current().lib_dir)
    kernels = Kernels(library)
    with Model(library, path, cpu_only=True) as model:
        tokens = model.tokenize(text, add_special=False, parse_special=False)[: arguments.tokens]
        options = ContextOptions(WINDOW, WINDOW, 1, arguments.threads, is_unified=False)
        divergences: list[float] = []
        losses: list[tuple[float, float]] = []
        same = 0
        with Context(model, options) as context:
            for window in windows(tokens, [model.bos] if model.adds_bos else []):
                plain = read(context, window, kernels, is_ours=False)
                ours = read(context, window, kernels, is_ours=True)
                divergences += (np.exp(plain) * (plain - ours)).sum(1, dtype=np.float64).tolist()
                same += int((plain.argmax(1) == ours.argmax(1)).sum())
                following = np.asarray(window[1:])
                places = np.arange(len(following))
                losses += zip(-plain[places, following], -ours[places, following], strict=True)
    plain_loss, our_loss = (float(np.mean(column)) for column in zip(*losses, strict=True))
    return Result(
        path.stem,
        len(divergences),
        float(np.mean(divergences)),
        math.exp(our_loss),
        math.exp(our_loss - plain_loss),
        same / len(divergences),
    )


def windows(tokens: list[int], lead: list[int]) -> Iterator[list[int]]:
    """Runs of tokens that a context holds, each behind a lead; what is left over at the end is not read."""
    length = WINDOW - len(lead)
    for start in range(0, len(tokens) - length + 1, length):
        yield lead + tokens[start : start + length]


def read(context: Context, tokens: list[int], kernels: Kernels, *, is_ours: bool) -> Logs:
    """What the model says after each token but the last."""
    if is_ours:
        if reason := kernels.install():
            raise SystemExit(f"There is nothing to compare: {reason}.")
        for kind in range(NUM_KINDS):
            kernels.set_min_batch(kind, 1)
        kernels.set_min_tokens(1)
    else:
        kernels.remove()
    context.clear()
    batch = Batch(len(tokens))
    for index, token in enumerate(tokens):
        batch.put(index, token, index, 0, output=True)
    context.decode(batch, len(tokens))
    logs = np.stack([context.logits(index) for index in range(len(tokens) - 1)])
    logs -= logs.max(1, keepdims=True)
    logs -= np.log(np.exp(logs).sum(1, dtype=np.float64, keepdims=True)).astype(np.float32)
    return logs


def table(results: list[Result]) -> str:
    """The results as Markdown."""
    lines = [
        "| model | KL divergence, nats | perplexity | ratio | same best token |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {each.name} | {each.divergence:.1e} | {each.perplexity:.2f} "
        f"| {each.perplexity_ratio:.4f} | {each.same_best:.1%} |"
        for each in results
    ]
    return "\n".join(lines)


def write_page(page: Path, results: list[Result], text: Path) -> None:
    """A page with the table."""
    page.write_text(
        f"""# The accuracy of the CPU kernels

Made by `bench/accuracy.py`: what models say about each token of a text (`{text.name}`, the first
{results[0].num_tokens} tokens in windows of {WINDOW}) with the kernels' hook in, compared with the hook out.
Our code computes every product and attention that it supports, even where ggml's is as fast and would be kept.

{table(results)}

Beside quantized weights activations are rounded to 8 bits in both, but not in the same way; the divergence is the
effect of that. The perplexity is high because the models are small and the text is technical.
""",
        "utf-8",
    )


def main() -> None:
    """Compare, print a table and one JSON object, and write the page if one is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--text", type=Path, default=TEXT)
    parser.add_argument("--page", type=Path, help="Markdown file to write.")
    parser.add_argument("--tokens", type=int, default=4096)
    parser.add_argument("--threads", type=int, default=psutil.cpu_count(logical=False) or 1)
    arguments = parser.parse_args()
    text = arguments.text.read_text("utf-8")
    results = []
    for path in arguments.models:
        results.append(compare(path, text, arguments))
        print(results[-1], flush=True)
    print(table(results))
    if arguments.page:
        write_page(arguments.page, results, arguments.text)
    print(json.dumps([asdict(each) for each in results]))


if __name__ == "__main__":
    main()
