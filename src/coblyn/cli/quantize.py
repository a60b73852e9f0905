"""``coblyn quantize``: writes a model in fewer bits."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from coblyn.cli.compare import facts, measured, show
from coblyn.cli.text import shown

if TYPE_CHECKING:
    from coblyn.workshop.examine import Compared
    from coblyn.workshop.quantize import Plan, Recipe

__all__ = ["quantize"]


def quantize(
    model: Annotated[
        str | None,
        typer.Argument(help="A GGUF file in F16, BF16 or F32, or a name of `coblyn models`."),
    ] = None,
    kind: Annotated[
        str,
        typer.Argument(metavar="[TYPE]", help="Such as Q4_K_M. Without it: all, and their sizes."),
    ] = "",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The new file. Default: beside the model.")
    ] = None,
    imatrix: Annotated[
        Path | None, typer.Option("--imatrix", help="An importance matrix; see `coblyn imatrix`.")
    ] = None,
    tensor: Annotated[
        list[str] | None,
        typer.Option(
            metavar="REGEX=TYPE", help="Another type for some tensors; the first match counts."
        ),
    ] = None,
    output_type: Annotated[
        str, typer.Option("--output-type", help="Type of the output matrix.")
    ] = "",
    embedding_type: Annotated[
        str, typer.Option("--token-embedding-type", help="Type of the matrix of embeddings.")
    ] = "",
    pure: Annotated[
        bool, typer.Option("--pure", help="One type for all matrices, without exceptions.")
    ] = False,
    requantize: Annotated[
        bool,
        typer.Option("--requantize", help="Allow an already quantized model, at a loss."),
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report", metavar="TEXT", help="Then compare the new file with the old on a text."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the new type of each tensor.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Write a smaller file of a model, or list the available types."""
    from coblyn.cli.build import ensure_bundle
    from coblyn.models.store import find
    from coblyn.workshop.quantize import Recipe, plan_quantized
    from coblyn.workshop.text import require_text

    if model is None:
        _show_kinds(as_json=as_json)
        return
    source = find(model)
    if not kind:
        _show_sizes(source, as_json=as_json)
        return
    recipe = Recipe(
        kind, _pairs(tensor or []), output_type, embedding_type, pure, requantize, imatrix
    )
    target = out or beside(source, recipe.kind.upper())
    if not (force or dry_run):
        refuse_existing(target)
    if report:
        require_text(report)
    library = ensure_bundle().lib_dir
    plan = plan_quantized(source, recipe, library)
    if dry_run:
        _show_plan(plan, as_json=as_json)
        return
    _quantize(plan, recipe, target, library)
    if not as_json:
        _show_result(plan, target)
    compared = _compared(source, target, report) if report else None
    if as_json:
        print(json.dumps(_result(plan, target, compared)))
    elif compared:
        show(compared)


def beside(source: Path, end: str) -> Path:
    """The default path of a new file: beside the model, with the quantization replaced in its name."""
    from coblyn.models.sources.offer import without_quantization
    from coblyn.models.splits import plain_name

    stem = without_quantization(plain_name(source.name))
    return source.with_name(f"{stem}-{end}.gguf")


def refuse_existing(target: Path) -> None:
    """Refuse to replace an existing file.

    Raises:
        BadRequest: There is such a file.
    """
    from coblyn.errors import BadRequest

    if target.exists():
        raise BadRequest(
            f"{target} is there already.", field="out", hint="Name another, or say --force."
        )


def _pairs(tensors: list[str]) -> list[tuple[str, str]]:
    from coblyn.errors import BadRequest

    pairs = []
    for each in tensors:
        pattern, equals, kind = each.rpartition("=")
        if not (pattern and equals and kind):
            raise BadRequest(
                f"{each!r} is not a pair of an expression and a type.",
                field="tensor",
                hint="Write it like this: --tensor 'ffn_down=Q6_K'",
            )
        pairs.append((pattern, kind))
    return pairs


def _quantize(plan: Plan, recipe: Recipe, target: Path, library: Path) -> None:
    from coblyn.cli.bar import bar
    from coblyn.run import ending_signals
    from coblyn.workshop.quantize import quantize as quantize_model

    with ending_signals(), bar() as report:
        quantize_model(plan, recipe, target, library, report)


def _compared(source: Path, target: Path, text: Path) -> Compared:
    from coblyn.settings import Settings
    from coblyn.workshop.text import Excerpt

    return measured(str(source), str(target), Excerpt(text), Settings.load(None, {}))


def _show_result(plan: Plan, target: Path) -> None:
    from coblyn.files import human_size

    print(
        shown(
            f"{target}: {human_size(plan.size_after)} in place of {human_size(plan.size_before)}, "
            f"{plan.bits:.2f} bits per weight"
        )
    )


def _result(plan: Plan, target: Path, compared: Compared | None) -> dict[str, Any]:
    result = {"path": str(target), **_facts(plan)}
    return result | {"report": facts(compared)} if compared else result


def _show_kinds(*, as_json: bool) -> None:
    from coblyn.workshop.kinds import FILE_KINDS

    if as_json:
        rows = [
            {"type": each.name, "base_bits": each.base_bits, "needs_imatrix": each.needs_importance}
            for each in FILE_KINDS.values()
        ]
        print(json.dumps(rows))
        return
    print(f"{'type':10}  {'bits':>6}  base")
    for each in FILE_KINDS.values():
        note = "  needs an importance matrix" if each.needs_importance else ""
        print(f"{each.name:10}  {each.base_bits:6.3f}  {each.base}{note}")
    print("Name a model to see its sizes: coblyn quantize MODEL", file=sys.stderr)


def _show_sizes(source: Path, *, as_json: bool) -> None:
    from coblyn.cli.build import ensure_bundle
    from coblyn.files import human_size
    from coblyn.workshop.quantize import sizes_by_kind

    plans = sizes_by_kind(source, ensure_bundle().lib_dir)
    if as_json:
        print(json.dumps({name: _facts(plan) for name, plan in plans.items()}))
        return
    print(f"{'type':10}  {'bits':>6}  {'size':>9}")
    for name, plan in plans.items():
        note = "  needs an importance matrix" if plan.needs_importance else ""
        print(f"{name:10}  {plan.bits:6.3f}  {human_size(plan.size_after):>9}{note}")


def _show_plan(plan: Plan, *, as_json: bool) -> None:
    from dataclasses import asdict

    from coblyn.files import human_size

    if as_json:
        print(json.dumps({**_facts(plan), "tensors": [asdict(each) for each in plan.changes]}))
        return
    width = max(len(each.name) for each in plan.changes)
    for each in plan.changes:
        size = human_size(each.size_after)
        print(shown(f"{each.name:{width}}  {each.before:>7} -> {each.after:<7}  {size:>9}"))
    print(
        f"{human_size(plan.size_before)} -> {human_size(plan.size_after)}, {plan.bits:.2f} bits per weight"
    )


def _facts(plan: Plan) -> dict[str, Any]:
    return {
        "size_before": plan.size_before,
        "size": plan.size_after,
        "bits_per_weight": round(plan.bits, 4),
        "needs_imatrix": plan.needs_importance,
    }
