"""``coblyn pull``: download a model."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from coblyn.cli.text import shown

__all__ = ["pull"]


def pull(
    reference: Annotated[
        str,
        typer.Argument(
            help="smollm2, gemma3-270m, hf:OWNER/REPO[:QUANTIZATION|FILE], modelscope: with the same, "
            "ollama:NAME[:TAG], a web address, or a file to copy."
        ),
    ],
    sha256: Annotated[str, typer.Option(help="SHA-256 of the file at an address.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Download it even if it is here.")] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the packages that the model came in.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Download a model; an interrupted download continues where it stopped."""
    from coblyn.cli.bar import bar
    from coblyn.errors import Cancelled
    from coblyn.fetch.network import AGAIN
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
        from coblyn.cli.variants import show_variants

        show_variants(error.variants, as_json=as_json)
        raise
    except KeyboardInterrupt:
        raise Cancelled("Stopped.", hint=AGAIN) from None
    size = pulled.path.stat().st_size
    if as_json:
        import json

        print(json.dumps({"path": str(pulled.path), "size": size, "is_new": pulled.is_new}))
        return
    state = "is here" if pulled.is_new else "was here already"
    print(shown(f"{pulled.path.stem} {state}: {pulled.path} ({human_size(size)})"))
