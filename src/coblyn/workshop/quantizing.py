"""The tasks of the process that quantizes: it plans the type of each tensor, and writes the file if requested."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from coblyn.errors import ModelError
from coblyn.llama.library import Library
from coblyn.llama.quantize import QuantizeOptions, TensorStep, quantize_file
from coblyn.workshop.importance import read_importance
from coblyn.workshop.protocol import Tell

__all__ = ["plan", "quantize"]


def plan(library: Library, request: dict[str, Any], _: Tell) -> dict[str, Any]:
    """Types of all tensors for each of some file types, without writing anything.

    Args:
        library: The opened bundle.
        request: ``source``; ``options`` as ``QuantizeOptions`` has them; ``file_types``, numbers.

    Returns:
        ``steps``: by number of the file type, a list of name, type before and type after.
        ``refused``: by the number of a file type that this model cannot have, the reason.
    """
    options = replace(_options(request), is_dry_run=True)
    found: dict[str, list[tuple[str, str, str]]] = {}
    refused: dict[str, str] = {}
    for number in request["file_types"]:
        steps: list[TensorStep] = []
        wanted = replace(options, file_type=number)
        try:
            quantize_file(library, Path(request["source"]), Path(), wanted, tell=steps.append)
        except ModelError as error:
            refused[str(number)] = error.message
        else:
            found[str(number)] = [(step.name, step.before, step.after) for step in steps]
    return {"steps": found, "refused": refused}


def quantize(library: Library, request: dict[str, Any], tell: Tell) -> dict[str, Any]:
    """Write the new file, and report each finished tensor as an event ``step``.

    Args:
        library: The opened bundle.
        request: ``source``, ``target``, ``options``, and ``importance``: a file, or an empty string.
        tell: Receives the steps.
    """
    importance = request["importance"]
    means = read_importance(Path(importance)).means() if importance else {}
    quantize_file(
        library,
        Path(request["source"]),
        Path(request["target"]),
        _options(request),
        means,
        lambda step: tell("step", name=step.name, after=step.after),
    )
    return {}


def _options(request: dict[str, Any]) -> QuantizeOptions:
    options = QuantizeOptions(**request["options"])
    return replace(options, tensor_types=[(name, kind) for name, kind in options.tensor_types])
