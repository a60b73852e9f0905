"""``coblyn imatrix``: learns from a text which inputs of a model's weights matter."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from coblyn.cli import options
from coblyn.cli.text import shown

__all__ = ["imatrix"]


def imatrix(
    model: Annotated[str, typer.Argument(help="A GGUF file, or a name of `coblyn models`.")],
    text: Annotated[
        Path, typer.Argument(help="A text similar to those that the model will work on.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The new file. Default: beside the model.")
    ] = None,
    chunk: Annotated[int, typer.Option(min=32, help="Tokens per chunk.")] = 512,
    chunks: Annotated[
        int, typer.Option(min=0, help="Maximum number of chunks; 0 for the whole text.")
    ] = 0,
    output: Annotated[
        bool, typer.Option("--output", help="Observe the output matrix as well.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
    threads: options.Threads = None,
    gpu_layers: options.GpuLayers = None,
    kernels: options.Kernels = None,
    config: options.Config = None,
) -> None:
    """Read a text, and write an importance matrix for `coblyn quantize`."""
    from coblyn.cli.bar import bar
    from coblyn.cli.engine import causes_named, configure
    from coblyn.cli.quantize import beside, refuse_existing
    from coblyn.models.store import find
    from coblyn.run import ending_signals
    from coblyn.settings import Settings
    from coblyn.workshop.examine import observe
    from coblyn.workshop.text import Excerpt

    source = find(model)
    target = out or beside(source, "imatrix")
    if not force:
        refuse_existing(target)
    flags = {"threads": threads, "gpu_layers": gpu_layers, "kernels": kernels}
    engine = configure(Settings.load(config, flags), str(source), yes=False)
    with causes_named(engine), ending_signals(), bar() as report:
        observed = observe(
            source,
            Excerpt(text, chunk, chunks),
            target,
            engine,
            with_output=output,
            report=report,
        )
    if as_json:
        facts = {
            "path": str(target),
            "chunks": observed.num_chunks,
            "tensors": observed.num_tensors,
            "unseen": list(observed.unseen),
        }
        print(json.dumps(facts))
        return
    print(shown(f"{target}: {observed.num_tensors} tensors from {observed.num_chunks} chunks"))
    if observed.unseen:
        count = len(observed.unseen)
        print(
            f"Of {count} tensors some experts saw nothing: use a longer text.",
            file=sys.stderr,
        )
