"""Quantizes a model's file with one call of the library, which blocks until the new file is written."""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from coblyn.errors import ModelError
from coblyn.llama import bindings
from coblyn.llama.library import Library

__all__ = ["QuantizeOptions", "TensorStep", "quantize_file"]

# llama.cpp 0.5.0, src/llama-quant.cpp: "[   1/ 272] output.weight - [ 576, 49152, 1, 1], type = q4_1, converting to
# q4_K .. size = …", or "size = … -> … (q4_K)" where nothing is written.
_STEP = re.compile(
    r"\[\s*\d+/\s*(?P<count>\d+)\] (?P<name>\S+)\s+- \[.*?\], type =\s*(?P<before>\w+), "
    r"(?:converting to (?P<after>\w+)|size =.*->.*\((?P<planned>\w+)\))?"
)
_FAILED = re.compile(r"failed to quantize: (.*)")


@dataclass(frozen=True, slots=True)
class QuantizeOptions:
    """What becomes of a model's tensors.

    Attributes:
        file_type: The library's number (``llama_ftype``).
        output_type: Number (``ggml_type``) of the type of the output matrix; None leaves it to the file type.
        embedding_type: The same of the matrix of embeddings.
        tensor_types: The same of tensors by their whole names.
        is_pure: All matrices get the same type.
        may_requantize: A tensor that is quantized already may get another type.
        is_dry_run: Nothing is written; only the steps are reported.
        threads: That compute; 0 takes all.
    """

    file_type: int
    output_type: int | None = None
    embedding_type: int | None = None
    tensor_types: Sequence[tuple[str, int]] = ()
    is_pure: bool = False
    may_requantize: bool = False
    is_dry_run: bool = False
    threads: int = 0


@dataclass(frozen=True, slots=True)
class TensorStep:
    """A tensor that is done.

    Attributes:
        name: Its name.
        before: Name of its type in the source, such as "f16".
        after: Name of its type in the result.
    """

    name: str
    before: str
    after: str


def quantize_file(
    library: Library,
    source: Path,
    target: Path,
    options: QuantizeOptions,
    importance: Mapping[str, NDArray[np.float32]] | None = None,
    tell: Callable[[TensorStep], object] = lambda _: None,
) -> None:
    """Write a file with a model's tensors in other types. The target is half written while this runs.

    Args:
        library: The opened bundle.
        source: The model; of a split one, the first file.
        target: The new file; one that is there is overwritten.
        options: What becomes of the tensors.
        importance: By the name of a tensor, the mean square of each of its inputs.
        tell: Told of each tensor that is done.

    Raises:
        ModelError: The library refuses; it says why.
    """
    reasons: list[str] = []

    def hear(line: str) -> None:
        if step := _STEP.search(line):
            after = step["after"] or step["planned"] or step["before"]
            tell(TensorStep(step["name"], step["before"], after))
        elif failed := _FAILED.search(line):
            reasons.append(failed[1])

    params, kept = _params(library, options, importance or {})
    with library.log.listening(hear):
        status = library.llama_model_quantize(
            os.fsencode(source), os.fsencode(target), ctypes.byref(params)
        )
    del kept  # the library had pointers into it
    if status != 0:
        reason = reasons[-1] if reasons else "the library gave no reason"
        raise ModelError(f"{source.name} cannot be quantized: {reason}.")


def _params(
    library: Library, options: QuantizeOptions, importance: Mapping[str, NDArray[np.float32]]
) -> tuple[bindings.llama_model_quantize_params, object]:
    """The library's structure, and what has to live as long as it."""
    params = library.llama_model_quantize_default_params()
    params.ftype = options.file_type
    params.nthread = options.threads
    params.pure = options.is_pure
    params.allow_requantize = options.may_requantize
    params.dry_run = options.is_dry_run
    if options.output_type is not None:
        params.output_tensor_type = options.output_type
    if options.embedding_type is not None:
        params.token_embedding_type = options.embedding_type
    overrides = _overrides(options.tensor_types)
    params.tt_overrides = overrides
    weights = _importance(importance)
    if weights:
        params.imatrix = weights
    return params, (overrides, weights, importance)


def _overrides(
    types: Sequence[tuple[str, int]],
) -> ctypes.Array[bindings.llama_model_tensor_override]:
    """A list that ends with an entry without a pattern."""
    array = (bindings.llama_model_tensor_override * (len(types) + 1))()
    for entry, (name, kind) in zip(array, types, strict=False):
        entry.pattern = f"^{re.escape(name)}$".replace(r"\-", "-").encode()
        entry.type = kind
    return array


def _importance(
    importance: Mapping[str, NDArray[np.float32]],
) -> ctypes.Array[bindings.llama_model_imatrix_data] | None:
    """A list that ends with an entry without a name; it points into the arrays."""
    if not importance:
        return None
    array = (bindings.llama_model_imatrix_data * (len(importance) + 1))()
    for entry, (name, values) in zip(array, importance.items(), strict=False):
        assert values.dtype == np.float32, "the library reads them in place"
        assert values.flags.c_contiguous, "the library reads them in place"
        entry.name = name.encode()
        entry.data = values.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
        entry.size = values.size
    return array
