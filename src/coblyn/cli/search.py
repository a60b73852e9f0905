"""``coblyn search``: searches models on Hugging Face."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from coblyn.cli.text import shown

if TYPE_CHECKING:
    from coblyn.models.sources.search import Found

__all__ = ["search"]


def search(
    text: Annotated[str, typer.Argument(help="Text to search for in the models' names.")],
    limit: Annotated[int, typer.Option(min=1, max=100, help="Maximum number of results.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Search GGUF models on Hugging Face, most downloaded first."""
    import sys

    from coblyn.models.sources.search import search as search_hub

    found = search_hub(text, limit)
    if as_json:
        print(json.dumps([asdict(each) for each in found], indent=2))
        return
    width = max((len(shown(each.name)) for each in found), default=0)
    for each in found:
        print(shown(f"{each.name:{width}}  {_facts(each)}"))
    if found:
        print("See its files and what fits: coblyn pull hf:OWNER/REPO", file=sys.stderr)
    else:
        print("Nothing was found.", file=sys.stderr)


def _facts(found: Found) -> str:
    size = f"{found.num_parameters / 1e9:.1f}B" if found.num_parameters else ""
    gated = "  gated" if found.is_gated else ""
    return f"{size:>7}  {found.architecture:12}  {found.downloads:>9} downloads{gated}"
