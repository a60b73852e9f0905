"""Quantizes a model: plans the type of each tensor, checks disk space, and writes the file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from coblyn.errors import BadRequest, ModelError, ModelUnsupported
from coblyn.files import require_not_full, require_space
from coblyn.llama.quantize import QuantizeOptions
from coblyn.models.check import check_model
from coblyn.models.gguf import GgufHeader, Tensor, read_header
from coblyn.models.quantization import TENSOR_TYPES
from coblyn.models.splits import part_names
from coblyn.progress import Progress, Report, silent
from coblyn.workshop.importance import read_importance
from coblyn.workshop.job import run_job
from coblyn.workshop.kinds import FILE_KINDS, FileKind, file_kind, tensor_kind, tensor_size
from coblyn.workshop.result import new_file

__all__ = ["Change", "Plan", "Recipe", "plan_quantized", "quantize", "sizes_by_kind"]

_HEADER_ROOM = 1 << 20
_QUANTIZED = {block.name for block in TENSOR_TYPES.values() if block.elements > 1}
_LOW = {"IQ3_XXS", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ1_M", "IQ1_S"}
_FIRST_AND_LAST = {"token_embd.weight", "output.weight"}


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a model is to be quantized.

    Attributes:
        kind: Name of the type of the file, such as ``Q4_K_M``.
        tensors: Regular expressions, each with the type of the tensors whose name it matches; the first match counts.
        output_type: Type of the output matrix; empty for the default.
        embedding_type: Type of the embedding matrix; empty for the default.
        is_pure: Whether all matrices get the same type.
        may_requantize: Whether quantized tensors may be quantized again, which costs quality.
        importance: File of an importance matrix; None for none.
    """

    kind: str
    tensors: Sequence[tuple[str, str]] = ()
    output_type: str = ""
    embedding_type: str = ""
    is_pure: bool = False
    may_requantize: bool = False
    importance: Path | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """The change of a tensor.

    Attributes:
        name: Its name.
        before, after: Names of its types.
        size_before, size_after: Bytes.
    """

    name: str
    before: str
    after: str
    size_before: int
    size_after: int


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan for a model.

    Attributes:
        source: Its file; of a split one, the first.
        kind: The type of the file.
        changes: One for each tensor, in the order in which they are written.
        num_weights: Number of weights in all tensors.
    """

    source: Path
    kind: FileKind
    changes: tuple[Change, ...]
    num_weights: int

    @property
    def size_before(self) -> int:
        """Total bytes of all tensors before quantization."""
        return sum(change.size_before for change in self.changes)

    @property
    def size_after(self) -> int:
        """Total bytes of all tensors after quantization."""
        return sum(change.size_after for change in self.changes)

    @property
    def bits(self) -> float:
        """Bits per weight after quantization."""
        return 8 * self.size_after / max(1, self.num_weights)

    @property
    def needs_importance(self) -> bool:
        """Whether the library refuses it without an importance matrix (``tensor_requires_imatrix``)."""
        low = _LOW | ({"Q2_K"} if self.kind.name == "Q2_K_S" else set())
        return any(
            change.after in low and change.name not in _FIRST_AND_LAST for change in self.changes
        )


def sizes_by_kind(source: Path, library: Path) -> dict[str, Plan]:
    """Sizes of a model in each file type that it can have, without writing anything.

    Raises:
        CoblynError: The model cannot be read.
    """
    tensors = _tensors(source)
    options = QuantizeOptions(file_type=0)
    kinds = list(FILE_KINDS.values())
    return _plans(source, library, tensors, options, kinds)


def plan_quantized(source: Path, recipe: Recipe, library: Path) -> Plan:
    """Plan the quantization of a model, without writing anything.

    Args:
        source: The model's file; of a split one, the first.
        recipe: How it is to be quantized.
        library: Where the engine's libraries are.

    Raises:
        BadRequest: A type is unknown, or an expression is invalid or changes nothing.
        ModelUnsupported: It is already quantized, or the type needs an importance matrix.
        ModelError: The model or the importance matrix cannot be read.
    """
    tensors, kind = _tensors(source), file_kind(recipe.kind)
    options = _options(recipe, kind, tensors)
    plan = _plans(source, library, tensors, options, [kind])[kind.name]
    _check_wishes(recipe, tensors, plan)
    _check_requantizing(recipe, plan)
    _check_importance(recipe, plan)
    return plan


def quantize(
    plan: Plan, recipe: Recipe, target: Path, library: Path, report: Report = silent
) -> Path:
    """Write the new file, which appears under its name only when complete.

    Args:
        plan: The result of ``plan_quantized`` for the same recipe.
        recipe: How the model is quantized.
        target: The new file; an existing one is replaced.
        library: Where the engine's libraries are.
        report: Gets the progress in bytes of the source.

    Raises:
        DiskFull: There is not enough space; checked before anything is written.
        ModelError: The library refuses, or its result does not match the plan.
        CoblynError: The process died.
    """
    sizes = {change.name: change.size_before for change in plan.changes}
    kind = file_kind(recipe.kind)
    done, phase = 0, f"Quantizing {plan.source.name} to {kind.name}"

    def on_event(_: str, values: dict[str, Any]) -> None:
        nonlocal done
        done += sizes.get(values["name"], 0)
        report(Progress(phase, done, plan.size_before, "bytes", values["name"]))

    with new_file(target, what=phase, source=plan.source, report=report) as part:
        require_space(part.parent, plan.size_after + _HEADER_ROOM, what=phase)
        report(Progress(phase, 0, plan.size_before, "bytes"))
        tensors = _tensors(plan.source)
        request = {
            "source": str(plan.source),
            "target": str(part),
            "options": asdict(_options(recipe, kind, tensors)),
            "importance": str(recipe.importance.resolve()) if recipe.importance else "",
        }
        try:
            run_job(library, "quantize", request, on_event=on_event)
        except ModelError:
            require_not_full(part.parent, what=phase)  # the library has no error for a full disk
            raise
        _check_result(part, plan)
    return target


def _tensors(source: Path) -> dict[str, Tensor]:
    """All tensors of a model, of all its files, by name."""
    first = check_model(source)
    headers = [first] + [
        read_header(source.with_name(name))
        for name in part_names(source.name)[1:]
        if first.num_splits > 1
    ]
    return {tensor.name: tensor for header in headers for tensor in header.tensors}


def _options(recipe: Recipe, kind: FileKind, tensors: Mapping[str, Tensor]) -> QuantizeOptions:
    return QuantizeOptions(
        kind.number,
        tensor_kind(recipe.output_type) if recipe.output_type else None,
        tensor_kind(recipe.embedding_type) if recipe.embedding_type else None,
        [
            (name, tensor_kind(after))
            for name in tensors
            if (after := _wish(recipe, name)) is not None
        ],
        is_pure=recipe.is_pure,
        may_requantize=recipe.may_requantize,
    )


def _wish(recipe: Recipe, name: str) -> str | None:
    """The type that a recipe names for a tensor."""
    for pattern, kind in recipe.tensors:
        try:
            if re.search(pattern, name):
                return kind
        except re.error as error:
            raise BadRequest(
                f"{pattern!r} is not a regular expression: {error}.", field="tensor"
            ) from error
    return None


def _plans(
    source: Path,
    library: Path,
    tensors: Mapping[str, Tensor],
    options: QuantizeOptions,
    kinds: Sequence[FileKind],
) -> dict[str, Plan]:
    request = {
        "source": str(source),
        "options": asdict(options),
        "file_types": [kind.number for kind in kinds],
    }
    answer = run_job(library, "plan", request)
    steps, refused = answer["steps"], answer["refused"]
    if not steps:
        raise ModelUnsupported(next(iter(refused.values())), hint="Choose another type.")
    num_weights = sum(_num_elements(tensor.shape) for tensor in tensors.values())
    return {
        kind.name: Plan(
            source,
            kind,
            tuple(_change(tensors[name], after) for name, _, after in steps[str(kind.number)]),
            num_weights,
        )
        for kind in kinds
        if str(kind.number) in steps
    }


def _change(tensor: Tensor, after: str) -> Change:
    size = tensor_size(tensor.shape, after)
    return Change(tensor.name, tensor.type, after.upper(), tensor.size, size)


def _num_elements(shape: tuple[int, ...]) -> int:
    return tensor_size(shape, "I8")


def _check_wishes(recipe: Recipe, tensors: Mapping[str, Tensor], plan: Plan) -> None:
    """An expression that matches nothing, or only tensors that keep their type, would be ignored silently."""
    after = {change.name: change.after for change in plan.changes}
    for pattern, kind in recipe.tensors:
        meant = [name for name in tensors if re.search(pattern, name)]
        if not meant:
            raise BadRequest(
                f"The model has no tensor in whose name {pattern!r} is found.",
                field="tensor",
                hint=f"Its names are like {', '.join(list(tensors)[:4])}.",
            )
        if not any(after[name] == kind.upper() for name in meant):
            raise BadRequest(
                f"The tensors that {pattern!r} finds, such as {meant[0]}, cannot become {kind}: "
                f"it would be {after[meant[0]]}.",
                field="tensor",
                hint="Norms and small tensors keep their types, and rows must be a multiple of the type's block.",
            )


def _check_requantizing(recipe: Recipe, plan: Plan) -> None:
    again = [
        change
        for change in plan.changes
        if change.before in _QUANTIZED and change.before != change.after
    ]
    if again and not recipe.may_requantize:
        raise ModelUnsupported(
            f"{plan.source.name} is quantized already: {len(again)} tensors, such as {again[0].name}, "
            f"are {again[0].before}.",
            hint="Start from a file in F16, BF16 or F32, or allow the loss of quality with --requantize.",
        )


def _check_importance(recipe: Recipe, plan: Plan) -> None:
    if recipe.importance is None:
        if plan.needs_importance:
            raise ModelUnsupported(
                f"{plan.kind.name} needs an importance matrix: without one the result would be of no use.",
                hint="Make one with `coblyn imatrix MODEL TEXT --out FILE`, and name it with --imatrix FILE.",
            )
        return
    known = read_importance(recipe.importance).sums
    if not any(change.name in known for change in plan.changes):
        raise BadRequest(
            f"{recipe.importance} is of another model: none of its {len(known)} tensors is in this one.",
            field="imatrix",
        )


def _check_result(part: Path, plan: Plan) -> GgufHeader:
    """The written file must be complete and match the plan."""
    header = read_header(part)
    found = {tensor.name: tensor.type for tensor in header.tensors}
    wanted = {change.name: change.after for change in plan.changes}
    if found != wanted:
        different = sorted(name for name in wanted if found.get(name) != wanted[name])
        raise ModelUnsupported(
            f"The library wrote other tensors than it had planned: {', '.join(different[:3])}."
        )
    return header
