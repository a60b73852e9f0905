"""``coblyn convert``: a model in safetensors as a GGUF file."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coblyn.cli.text import shown

if TYPE_CHECKING:
    from coblyn.progress import Report
    from coblyn.workshop.convert import Original

__all__ = ["convert"]


def convert(
    source: Annotated[
        str, typer.Argument(help="A directory with config.json and safetensors, or hf:OWNER/REPO.")
    ],
    kind: Annotated[
        str, typer.Option("--type", help="F32, F16, BF16, Q8_0, or any type of coblyn quantize.")
    ] = "F16",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The new file. Default: among the models.")
    ] = None,
    mmproj: Annotated[
        bool, typer.Option("--mmproj", help="Write the part for images and sounds instead.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Convert a model by llama.cpp's own converter, for which an environment is made at first use."""
    from coblyn import paths
    from coblyn.cli.bar import bar
    from coblyn.cli.quantize import refuse_existing
    from coblyn.files import human_size
    from coblyn.run import ending_signals
    from coblyn.workshop.kinds import file_kind

    wanted = file_kind(kind).name
    with ending_signals(), bar() as report:
        original = _original(source, report)
        name = f"{'mmproj-' if mmproj else ''}{original.folder.name}-{wanted}.gguf"
        target = out or paths.models() / name
        if not force:
            refuse_existing(target)
        if out is None:
            target.parent.mkdir(parents=True, exist_ok=True)
        _convert(original, wanted, target, report, is_projector=mmproj)
    size = target.stat().st_size
    if as_json:
        print(json.dumps({"path": str(target), "size": size}))
    else:
        print(shown(f"{target}: {human_size(size)}"))


def _original(source: str, report: Report) -> Original:
    from coblyn.models.originals import fetch_original
    from coblyn.models.sources.huggingface import repository_of
    from coblyn.workshop.convert import open_original

    repository = repository_of(source)
    if repository is None:
        return open_original(Path(source).expanduser())
    return open_original(fetch_original(repository, report))


def _convert(
    original: Original, kind: str, target: Path, report: Report, *, is_projector: bool
) -> None:
    from coblyn.native.source import obtain_converter
    from coblyn.workshop.convert import DIRECT
    from coblyn.workshop.convert import convert as convert_model
    from coblyn.workshop.converter import obtain_environment

    converter = obtain_environment(obtain_converter(report=report), report)
    if kind in DIRECT:
        convert_model(original, kind, target, converter, is_projector=is_projector, report=report)
        return
    # A temporary name, so that no incomplete model is left if the process is killed.
    whole = target.with_name(f"{original.folder.name}-BF16.part")
    try:
        convert_model(original, "BF16", whole, converter, is_projector=is_projector, report=report)
        _quantize(whole, kind, target, report)
    finally:
        whole.unlink(missing_ok=True)


def _quantize(whole: Path, kind: str, target: Path, report: Report) -> None:
    from coblyn.cli.build import ensure_bundle
    from coblyn.workshop.quantize import Recipe, plan_quantized, quantize

    library = ensure_bundle().lib_dir
    recipe = Recipe(kind)
    print(shown(f"Quantizing to {kind}."), file=sys.stderr)
    quantize(plan_quantized(whole, recipe, library), recipe, target, library, report)
