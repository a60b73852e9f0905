"""``coblyn split``: writes a model as several files."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated

import typer

from coblyn.cli.text import shown

__all__ = ["split"]

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def split(
    model: Annotated[str, typer.Argument(help="A GGUF file, or a name of `coblyn models`.")],
    max_size: Annotated[
        str, typer.Option(metavar="SIZE", help="Maximum size of a file, such as 500M or 2G.")
    ] = "",
    max_tensors: Annotated[
        int, typer.Option(min=0, help="Maximum number of tensors per file.")
    ] = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Beginning of the files' names. Default: the model's name, beside it.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace existing files.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Write a model as several files with llama.cpp's names; the original is kept."""
    from coblyn.cli.bar import bar
    from coblyn.cli.quantize import refuse_existing
    from coblyn.errors import BadRequest
    from coblyn.models.splits import part_names, plain_name
    from coblyn.models.store import find
    from coblyn.run import ending_signals
    from coblyn.workshop import split as work

    if bool(max_size) == bool(max_tensors):
        raise BadRequest("Say either --max-size or --max-tensors.", field="max-size")
    whole = work.open_whole(find(model))
    if max_size:
        groups = work.split_by_size(whole.sizes, size_of(max_size), whole.header_size)
    else:
        groups = work.split_by_tensors(len(whole.tensors), max_tensors)
    stem = out or whole.first.with_name(plain_name(whole.first.name))
    if not force:
        for name in part_names(f"{stem.name}-00001-of-{len(groups):05}.gguf"):
            refuse_existing(stem.with_name(name))
    with ending_signals(), bar() as report:
        files = work.split(whole, groups, stem, report)
    if as_json:
        print(json.dumps({"paths": [str(each) for each in files]}))
    else:
        print(shown(f"{len(files)} files: {files[0]} to {files[-1].name}"))


def size_of(text: str) -> int:
    """Parse a size in bytes: 500M, 2G, 1.5g, 1000000.

    Raises:
        BadRequest: It is not a size.
    """
    from coblyn.errors import BadRequest

    match = re.fullmatch(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[KMGT]?)B?", text.strip().upper())
    size = int(float(match["number"]) * _UNITS[match["unit"]]) if match else 0
    if size < 1:
        raise BadRequest(
            f"{text!r} is not a size.", field="max-size", hint="Write it like 500M or 2G."
        )
    return size
