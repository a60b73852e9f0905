"""Attention over caches of every type, against double precision."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coblyn.llama.library import Library
from coblyn.llama.operation import Input, OpenDevice, Operation, Unsupported
from coblyn.proof.error import product_error
from coblyn.proof.ground import Ground, count
from coblyn.proof.weights import FORMS, Matrix, Weights, make_weights

__all__ = ["attend", "prove_attention"]

CACHE_TYPES = ("f32", "f16", "bf16", "q8_0", "q5_1", "q4_0")
TOKENS = (1, 8, 33)
LENGTHS = (64, 80)
"""Head sizes; the second is not a multiple of 32, so only plain types are tested with it."""

_HEADS, _KEY_HEADS, _CELLS = 4, 2, 160
_SIZE = 4.0  # of queries, so that some cells weigh more than others

_F32, _F16 = 0, 1  # ggml_type

Numbers = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Job:
    what: str
    inputs: list[Input]
    reference: Matrix  # tokens x heads x length


def prove_attention(ground: Ground, device: OpenDevice, where: str = "") -> int:
    """Compute attention on a device, and compare the results.

    Args:
        ground: The context of the proof.
        device: The device that computes.
        where: Name of the device, for the names of the stages.

    Returns:
        Number of attentions computed; those that the device rejects are not counted.

    Raises:
        Wrong: A result is wrong.
        EngineError: The device failed.
    """
    done = 0
    for job in _jobs():
        what = f"{job.what}, {where}" if where else job.what
        ground.tell(what)
        try:
            operation = Operation(device, job.inputs, _attention, job.reference.shape)
        except Unsupported:
            continue
        with operation:
            for threads in ground.threads:
                stage = f"{what}, {count(threads, 'thread')}"
                ground.tell(stage)
                device.set_threads(threads)
                operation.compute()
                ground.check(product_error(operation.get(), job.reference), stage)
                done += 1
    return done


def attend(queries: Matrix, keys: Matrix, values: Matrix, mask: Matrix) -> Matrix:
    """Attention in plain numpy.

    queries: heads x tokens x length, already scaled.
        keys: key heads x cells x length; several heads share one key head.
        keys: key heads x cells x length; several heads share one.
        values: As ``keys``.
        mask: tokens x cells, 0 or minus infinity.

    Returns:
        tokens x heads x length.
    """
    shared = len(queries) // len(keys)
    scores = queries @ np.repeat(keys, shared, axis=0).swapaxes(1, 2) + mask
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    result: Matrix = weights @ np.repeat(values, shared, axis=0)
    return result.swapaxes(0, 1)


def _jobs() -> Iterator[_Job]:
    for length in LENGTHS:
        for kind in CACHE_TYPES:
            if length % FORMS[kind].size:
                continue
            cache = [make_weights(kind, _KEY_HEADS * _CELLS, length, seed) for seed in (1, 2)]
            for tokens in TOKENS:
                yield _job(length, tokens, *cache)


def _job(length: int, tokens: int, keys: Weights, values: Weights) -> _Job:
    assert keys.values is not None, "no cache has a codebook"
    assert values.values is not None, "no cache has a codebook"
    shape = (_KEY_HEADS, _CELLS, length)
    random = np.random.default_rng(tokens)
    queries = (_SIZE * random.standard_normal((_HEADS, tokens, length))).astype(np.float32)
    # Each token sees the tokens before it, and itself.
    seen = np.arange(_CELLS) <= np.arange(_CELLS - tokens, _CELLS)[:, None]
    mask = np.where(seen, 0.0, -np.inf)
    cache = keys.values.reshape(shape), values.values.reshape(shape)
    reference = attend(queries.astype(np.float64), *cache, mask)
    number = FORMS[keys.kind].number
    inputs = [
        Input(_F32, queries.shape, queries.tobytes()),
        Input(number, shape, keys.data),
        Input(number, shape, values.data),
        Input(_F16, mask.shape, mask.astype(np.float16).tobytes()),
    ]
    what = f"attention over {keys.kind}, {count(tokens, 'token')}, heads of {length}"
    return _Job(what, inputs, reference)


def _attention(library: Library, context: int, inputs: Sequence[int]) -> int:
    scale, bias, soft_cap = 1.0, 0.0, 0.0
    return int(library.ggml_flash_attn_ext(context, *inputs, scale, bias, soft_cap))
