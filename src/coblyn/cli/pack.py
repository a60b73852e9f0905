"""``coblyn pack``: gather what a machine without a network needs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from coblyn.cli.build import BackendName
from coblyn.cli.text import shown

__all__ = ["pack"]


def pack(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Directory of the pack.")],
    backend: Annotated[
        BackendName, typer.Option(help="What the other machine will build.")
    ] = BackendName.auto,
    model: Annotated[
        list[str] | None,
        typer.Option(help="A model to include: smollm2, an installed one, or a file."),
    ] = None,
    extra: Annotated[
        list[str] | None, typer.Option(help="Optional dependencies to include; zig is a compiler.")
    ] = None,
    python: Annotated[
        str,
        typer.Option(help="Python version on the other machine, such as 3.12; default: this one."),
    ] = "",
    platform: Annotated[
        list[str] | None,
        typer.Option(
            help="Platform tag of the other machine, such as manylinux_2_28_x86_64; default: this one."
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Compare a pack with its manifest; fetch nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Gather source, build tools, models and Coblyn itself for a machine without a network."""
    from coblyn.cli.bar import bar
    from coblyn.files import human_size
    from coblyn.pack.gather import PackOptions, gather
    from coblyn.pack.manifest import check as check_pack

    lists = [tuple(each or ()) for each in (model, extra, platform)]
    options = PackOptions(backend.value, lists[0], lists[1], python, lists[2])
    with bar() as report:
        manifest = (
            check_pack(folder, report=report) if check else gather(folder, options, report=report)
        )
    if as_json:
        answer = {"path": str(folder), "size": manifest.size, "num_files": len(manifest.files)}
        print(json.dumps(answer))
        return
    state = "is whole" if check else "is made"
    print(
        shown(
            f"{folder} {state}: {len(manifest.files)} files, {human_size(manifest.size)}. "
            f"How to use it: {folder / 'README.md'}"
        )
    )
