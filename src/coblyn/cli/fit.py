"""``coblyn fit``.

The memory that a model takes, the available memory, and what would be given up, without loading it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from coblyn.cli import options
from coblyn.cli.engine import configure
from coblyn.cli.text import shown

if TYPE_CHECKING:
    from coblyn.fit.need import Measured
    from coblyn.fit.protocol import Answer, Cell

__all__ = ["fit"]

_HEAD = ("", "weights", "in the file", "cache", "compute", "kept", "process", "all", "free")
_ROOMS = ("does not fit", "fits without its weights", "fits")


def fit(
    model: options.Model = None,
    context: options.Context = None,
    gpu_layers: options.GpuLayers = None,
    cpu_experts: options.CpuExperts = None,
    cache_type: options.CacheType = None,
    cache_memory: options.CacheMemory = None,
    shared_cells: options.SharedCells = None,
    draft_heads: options.DraftHeads = None,
    batch: options.Batch = None,
    flash_attention: options.FlashAttention = None,
    max_running: Annotated[
        int | None, typer.Option("--max-running", help="Requests generated concurrently.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    config: options.Config = None,
    yes: options.Yes = False,
) -> None:
    """Show what memory a model takes, and what fits, without loading it."""
    flags = options.settings_among(locals())
    from coblyn.fit.fitting import survey
    from coblyn.settings import Settings

    wish = configure(Settings.load(config, flags), model, yes=yes, any_kind=True)
    answer = survey(wish)
    if json:
        _print_json(answer)
    else:
        print(shown("\n".join(_lines(answer))))


def _lines(answer: Answer) -> Iterator[str]:
    from pathlib import Path

    from coblyn.fit.words import outcome
    from coblyn.models.eagle import read_eagle
    from coblyn.models.heads import find_heads

    if answer.problem:
        yield f"Estimated from the file's header: {answer.problem}"
    yield "As requested:"
    yield from _table(answer, answer.wish)
    if answer.config and answer.chosen != answer.wish:
        yield "As it would be loaded:"
        yield from _table(answer, answer.chosen)
    yield outcome(answer)
    beside = answer.asked.draft_model
    heads = read_eagle(Path(beside)) if beside else find_heads(Path(answer.asked.model))
    if heads:
        yield f"Prediction heads: {heads.told}."
    if answer.table:
        yield "Other context lengths and cache types:"
        yield from _others(answer.table)


def _table(answer: Answer, measured: Measured) -> Iterator[str]:
    """A row for each device, and one for all."""
    yield _row(_HEAD)
    for space in answer.spaces:
        need = measured.on(space.device)
        numbers = (
            need.weights,
            need.mapped,
            need.cache,
            need.compute,
            need.kept,
            need.process,
            need.total,
            space.free,
        )
        yield _row((space.device, *map(_size, numbers)))


def _others(cells: tuple[Cell, ...]) -> Iterator[str]:
    for cell in cells:
        cache = ", requests share the cells" if cell.shares_cells else ""
        row = f"{cell.context:>7} {cell.cache_type:<5} {_size(cell.total):>9}"
        yield f"  {row}  {_ROOMS[cell.room]}{cache}"


def _row(cells: tuple[str, ...]) -> str:
    return f"  {cells[0]:<8}" + "".join(f"{cell:>12}" for cell in cells[1:])


def _size(size: int) -> str:
    from coblyn.files import human_size

    return human_size(size) if size else "0"


def _print_json(answer: Answer) -> None:
    import json

    from coblyn.fit.words import report

    print(json.dumps(report(answer), indent=2))
