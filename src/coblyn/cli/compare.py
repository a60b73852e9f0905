"""``coblyn compare``: how far a model is from another, such as a quantized one from its original."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from coblyn.cli import options
from coblyn.cli.text import shown

if TYPE_CHECKING:
    from coblyn.settings import Settings
    from coblyn.workshop.examine import Compared
    from coblyn.workshop.text import Excerpt

__all__ = ["compare", "facts", "measured", "show"]


def compare(
    first: Annotated[str, typer.Argument(help="The model to compare with, such as one in F16.")],
    second: Annotated[str, typer.Argument(help="The other model, such as one quantized from it.")],
    text: Annotated[Path, typer.Option(help="A text for both to read.")],
    chunk: Annotated[int, typer.Option(min=32, help="Tokens per chunk.")] = 512,
    chunks: Annotated[
        int, typer.Option(min=0, help="Maximum number of chunks; 0 for the whole text.")
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
    threads: options.Threads = None,
    gpu_layers: options.GpuLayers = None,
    kernels: options.Kernels = None,
    config: options.Config = None,
) -> None:
    """Compare perplexity, divergence, size and speed of two models on a text; both are loaded."""
    import json

    from coblyn.settings import Settings
    from coblyn.workshop.text import Excerpt

    flags = {"threads": threads, "gpu_layers": gpu_layers, "kernels": kernels}
    settings = Settings.load(config, flags)
    compared = measured(first, second, Excerpt(text, chunk, chunks), settings)
    print(json.dumps(facts(compared))) if as_json else show(compared)


def measured(first: str, second: str, excerpt: Excerpt, settings: Settings) -> Compared:
    """Compare two models on a text, with progress.

    Raises:
        CoblynError: A model cannot be loaded, or the text is too short.
    """
    from coblyn.cli.bar import bar
    from coblyn.cli.engine import causes_named, configure
    from coblyn.models.store import find
    from coblyn.run import ending_signals
    from coblyn.workshop.examine import compare as compare_models

    engine = configure(settings, str(find(first)), yes=False)
    other = find(second)
    with causes_named(engine), ending_signals(), bar() as report:
        return compare_models(Path(engine.model), other, excerpt, engine, report=report)


def facts(compared: Compared) -> dict[str, Any]:
    """A comparison as JSON."""
    from dataclasses import asdict

    return {
        "models": [str(each) for each in compared.models],
        "sizes": compared.sizes,
        "read_speeds": compared.read_speeds,
        "write_speeds": compared.write_speeds,
        **asdict(compared.quality),
    }


def show(compared: Compared) -> None:
    """Print a comparison as a table."""
    from coblyn.files import human_size

    quality = compared.quality
    rows = (
        ("size", *map(human_size, compared.sizes)),
        ("perplexity", f"{quality.perplexity:.4f}", f"{quality.other_perplexity:.4f}"),
        ("reads, tokens/s", *(f"{speed:.1f}" for speed in compared.read_speeds)),
        ("writes, tokens/s", *(f"{speed:.1f}" for speed in compared.write_speeds)),
    )
    names = [shown(each.stem) for each in compared.models]
    widths = [max(12, len(name)) for name in names]
    for title, one, other in (("", *names), *rows):
        print(f"{title:18}{one:>{widths[0]}}  {other:>{widths[1]}}")
    print(
        f"\nOver {quality.num_tokens} tokens: perplexity times {quality.ratio:.4f} ± {quality.ratio_error:.4f}, "
        f"divergence {quality.divergence:.5f} nats (at most {quality.max_divergence:.3f}), "
        f"same first choice {quality.same_choice:.1%}, probabilities off by {quality.probability_error:.2%}."
    )
