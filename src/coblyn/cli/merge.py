"""``coblyn merge``: the files of a split model as one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from coblyn.cli.text import shown

__all__ = ["merge"]


def merge(
    model: Annotated[
        str, typer.Argument(help="Any file of a split model, or its name in `coblyn models`.")
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The new file. Default: the model's name, beside it."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Write the files of a split model as one; the originals are kept."""
    from coblyn.cli.bar import bar
    from coblyn.cli.quantize import refuse_existing
    from coblyn.errors import BadRequest
    from coblyn.files import human_size
    from coblyn.models.splits import part_names, plain_name
    from coblyn.models.store import find
    from coblyn.run import ending_signals
    from coblyn.workshop import split as work

    path = find(model)
    if len(part_names(path.name)) == 1:
        raise BadRequest(f"{path} is one file already.", field="model")
    whole = work.open_whole(path)
    target = out or path.with_name(f"{plain_name(path.name)}.gguf")
    if not force:
        refuse_existing(target)
    with ending_signals(), bar() as report:
        work.merge(whole, target, report)
    size = target.stat().st_size
    if as_json:
        print(json.dumps({"path": str(target), "size": size}))
    else:
        print(shown(f"{target}: {human_size(size)}, {len(whole.tensors)} tensors"))
