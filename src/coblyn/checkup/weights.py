"""Checks every weight of a file for NaN and infinity, and for tensors that are all zero."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from coblyn.checkup.finding import Finding, finding
from coblyn.models.gguf import GgufHeader, Tensor
from coblyn.models.quantization import TENSOR_TYPES
from coblyn.progress import Progress, Report

__all__ = ["check_weights"]

_SCALES: dict[str, tuple[int, ...]] = {
    "Q4_0": (0,),
    "Q4_1": (0, 2),
    "Q5_0": (0,),
    "Q5_1": (0, 2),
    "Q8_0": (0,),
    "Q2_K": (80, 82),
    "Q3_K": (108,),
    "Q4_K": (0, 2),
    "Q5_K": (0, 2),
    "Q6_K": (208,),
    "IQ4_NL": (0,),
    "IQ4_XS": (0,),
    "IQ2_XXS": (0,),
    "IQ2_XS": (0,),
    "IQ2_S": (0,),
    "IQ3_XXS": (0,),
    "IQ3_S": (0,),
    "IQ1_S": (0,),
}
"""Byte offsets of half-precision scales in blocks of each type, from ggml-common.h."""

_SIZES = {block.name: block.size for block in TENSOR_TYPES.values()}
_PIECE = 1 << 24
_MAX_NAMES = 5


def check_weights(header: GgufHeader, report: Report) -> Iterator[Finding]:
    """Read all tensors.

    Args:
        header: The file's header.
        report: Called with the progress in bytes.
    """
    wrong, zero = [], []
    total, done = sum(tensor.size for tensor in header.tensors), 0
    for tensor in header.tensors:
        report(Progress("Checking the weights", done, total, "bytes", detail=tensor.name))
        has_wrong, is_zero = _look(header.path, tensor)
        wrong += [tensor.name] * has_wrong
        zero += [tensor.name] * is_zero
        done += tensor.size
    for name, found in (("not-a-number", wrong), ("all-zero", zero)):
        if found:
            shown = ", ".join(found[:_MAX_NAMES]) + " …" * (len(found) > _MAX_NAMES)
            yield finding(name, count=len(found), names=shown)


def _look(path: Path, tensor: Tensor) -> tuple[bool, bool]:
    """Whether a tensor has non-finite values, and whether it is all zeros."""
    has_wrong, is_zero = False, tensor.size > 0
    block = _SIZES[tensor.type]
    step = max(block, _PIECE // block * block)
    for start in range(0, tensor.size, step):
        size = min(step, tensor.size - start)
        data = np.fromfile(path, np.uint8, size, offset=tensor.offset + start)
        is_zero = is_zero and not data.any()
        has_wrong = has_wrong or _has_wrong(data, tensor.type)
    return has_wrong, is_zero


def _has_wrong(data: NDArray[np.uint8], kind: str) -> bool:
    if kind == "F32":
        return not np.isfinite(data.view("<f4")).all()
    if kind == "F16":
        return not np.isfinite(data.view("<f2")).all()
    if kind == "BF16":
        return bool(((data.view("<u2") & 0x7F80) == 0x7F80).any())
    blocks = data.reshape(-1, _SIZES[kind])
    scales = (blocks[:, at : at + 2].copy().view("<f2") for at in _SCALES.get(kind, ()))
    return any(not np.isfinite(each).all() for each in scales)
