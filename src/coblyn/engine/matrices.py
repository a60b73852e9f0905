"""Random weights in the forms of GGUF files, and what they mean in full precision. Pure.

Made here, not by the library, so that what is compared with has nothing in common with what is checked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["KINDS", "Weights", "make_weights", "normalised_error"]

Matrix = NDArray[np.float64]

_BLOCK = 32


@dataclass(frozen=True, slots=True)
class Weights:
    """A matrix of weights.

    Attributes:
        kind: Its type, one of ``KINDS``.
        data: As a GGUF file holds it.
        values: What it means.
    """

    kind: str
    data: bytes
    values: Matrix


def make_weights(kind: str, rows: int, inner: int, seed: int) -> Weights:
    """Random weights of about the size of a trained model's.

    Args:
        kind: One of ``KINDS``.
        rows: Rows.
        inner: Numbers in a row, a multiple of 32.
        seed: The same seed gives the same weights.
    """
    data, values = KINDS[kind](np.random.default_rng(seed), rows, inner)
    return Weights(kind, data, values)


def normalised_error(result: NDArray[np.float32], reference: Matrix) -> float:
    """Norm of the difference, in norms of the reference; infinite if a number is none."""
    if not np.isfinite(result).all():
        return float("inf")
    size = float(np.linalg.norm(reference)) or 1.0
    return float(np.linalg.norm(result - reference)) / size


def _f32(random: np.random.Generator, rows: int, inner: int) -> tuple[bytes, Matrix]:
    values = random.normal(0, 0.02, (rows, inner)).astype("<f4")
    return values.tobytes(), values.astype(np.float64)


def _f16(random: np.random.Generator, rows: int, inner: int) -> tuple[bytes, Matrix]:
    values = random.normal(0, 0.02, (rows, inner)).astype("<f2")
    return values.tobytes(), values.astype(np.float64)


# Blocks of 32 weights with one scale, as in ggml-common.h of llama.cpp 0.5.0: block_q8_0 is a
# half-precision scale and 32 signed bytes; block_q4_0 is the scale and 16 bytes, whose low halves are
# the first 16 weights and whose high halves are the others, each less 8.


def _q8_0(random: np.random.Generator, rows: int, inner: int) -> tuple[bytes, Matrix]:
    blocks = np.empty((rows, inner // _BLOCK), np.dtype([("d", "<f2"), ("q", "i1", _BLOCK)]))
    blocks["d"] = random.uniform(2e-4, 6e-4, blocks.shape)
    blocks["q"] = random.integers(-127, 128, (*blocks.shape, _BLOCK))
    values = blocks["d"].astype(np.float64)[..., None] * blocks["q"]
    return blocks.tobytes(), values.reshape(rows, inner)


def _q4_0(random: np.random.Generator, rows: int, inner: int) -> tuple[bytes, Matrix]:
    blocks = np.empty((rows, inner // _BLOCK), np.dtype([("d", "<f2"), ("q", "u1", _BLOCK // 2)]))
    blocks["d"] = random.uniform(3e-3, 9e-3, blocks.shape)
    blocks["q"] = random.integers(0, 256, (*blocks.shape, _BLOCK // 2))
    quants = np.concatenate((blocks["q"] & 15, blocks["q"] >> 4), axis=-1).astype(np.float64) - 8
    values = blocks["d"].astype(np.float64)[..., None] * quants
    return blocks.tobytes(), values.reshape(rows, inner)


KINDS: dict[str, Callable[[np.random.Generator, int, int], tuple[bytes, Matrix]]] = {
    "f32": _f32,
    "f16": _f16,
    "q8_0": _q8_0,
    "q4_0": _q4_0,
}
"""The types of weights that can be made."""
