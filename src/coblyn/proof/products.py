"""Products of weights of every type, plain and in mixtures of experts, compared with double precision."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coblyn.llama.library import Library
from coblyn.llama.operation import (
    Input,
    Make,
    OpenDevice,
    Operation,
    Unsupported,
    extra_buffers,
)
from coblyn.proof.error import product_error
from coblyn.proof.ground import Ground, count
from coblyn.proof.weights import FORMS, Matrix, make_weights

__all__ = ["BATCHES", "FEW", "Case", "activations", "decoded", "make_cases", "prove_products"]

BATCHES = (1, 2, 8, 33, 512)
"""Rows of activations in a product: one token, a few, a number that no tile divides, and a prompt."""

FEW = (1, 2, 8)
"""The row counts that kernels for few rows may take."""

EXPERT_BATCHES = (1, 33)

# Three super-blocks, so that loops over two have a remainder. 35 rows are a multiple of no tile size; weight orders
# other than the file's require a multiple, and get the first 32.
_INNER, _ROWS, _EVEN_ROWS = 768, 35, 32
_NUM_EXPERTS, _NUM_USED = 4, 2
_EXPERT_ROWS = _EVEN_ROWS // _NUM_EXPERTS

F32, I32 = 0, 26  # ggml_type

Numbers = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Case:
    """Weights of one type, and their product with the activations.

    Attributes:
        kind: Their type.
        data: 35 rows of 768 weights, as in a file.
        reference: 512 rows of 35 numbers.
    """

    kind: str
    data: bytes
    reference: Matrix

    def rows(self, count: int) -> bytes:
        """The first rows of the weights."""
        return self.data[: len(self.data) // _ROWS * count]


def activations() -> Numbers:
    """512 rows of 768 numbers, always the same."""
    return np.random.default_rng(0).standard_normal((max(BATCHES), _INNER)).astype(np.float32)


def make_cases(device: OpenDevice, vectors: Numbers) -> list[Case]:
    """One case per type.

    Args:
        device: A CPU, which supplies the meaning of codebooks through ggml's plain decoder, which shares no code with
            products.
        vectors: The activations.
    """
    cases = []
    for index, kind in enumerate(FORMS):
        weights = make_weights(kind, _ROWS, _INNER, seed=index + 1)
        values = weights.values
        if values is None:
            values = decoded(device, kind, weights.data).astype(np.float64)
        cases.append(Case(kind, weights.data, vectors.astype(np.float64) @ values.T))
    return cases


def decoded(device: OpenDevice, kind: str, data: bytes) -> Numbers:
    """The values of 35 rows of weights according to the library: 35 rows of 768 numbers."""
    inputs = [
        Input(FORMS[kind].number, (_ROWS, _INNER), data),
        Input(I32, (1, _ROWS), np.arange(_ROWS, dtype=np.int32).tobytes()),
    ]
    with Operation(device, inputs, _rows, (_ROWS, _INNER)) as rows:
        rows.compute()
        return rows.get()


@dataclass(frozen=True, slots=True)
class Job:
    """One product.

    Attributes:
        what: Description in words.
        inputs: Weights, activations, and the selected experts.
        make: Creates the operation.
        reference: The expected result.
    """

    what: str
    inputs: list[Input]
    make: Make
    reference: Matrix


def prove_products(
    ground: Ground,
    device: OpenDevice,
    cases: Sequence[Case],
    vectors: Numbers,
    where: str = "",
    *,
    batches: Sequence[int] = BATCHES,
) -> int:
    """Compute the products of all types on a device, from each kind of memory that it has for weights.

    Args:
        ground: The context of the proof.
        device: The device that computes.
        cases: Cases of all types to test.
        vectors: The activations.
        where: Name of what computes, for the names of the stages: "Coblyn's kernels", or the name of a device.
        batches: Rows of activations; mixtures of experts use those of ``EXPERT_BATCHES`` up to the largest.

    Returns:
        Number of products computed; those that the device rejects are not counted.

    Raises:
        Wrong: A product is wrong.
        EngineError: The device failed.
    """
    done = 0
    for name, buffer in ({"": None} | extra_buffers(device)).items():
        place = ", ".join(each for each in (_words(name), where) if each)
        for case in cases:
            for job in _jobs(case, vectors, batches, is_plain=buffer is None):
                done += _prove(ground, device, job, place, buffer)
    return done


def _prove(ground: Ground, device: OpenDevice, job: Job, place: str, buffer: int | None) -> int:
    what = f"{job.what}, {place}" if place else job.what
    ground.tell(what)  # setting the weights repacks them, which is part of the stage
    try:
        operation = Operation(device, job.inputs, job.make, job.reference.shape, buffer=buffer)
    except Unsupported:
        return 0
    with operation:
        for threads in ground.threads:
            stage = f"{what}, {count(threads, 'thread')}"
            ground.tell(stage)
            device.set_threads(threads)
            operation.compute()
            ground.check(product_error(operation.get(), job.reference), stage)
    return len(ground.threads)


def _words(buffer: str) -> str:
    return {"": "", "CPU_REPACK": "repacked"}.get(buffer, f"in memory of {buffer}")


def _jobs(case: Case, vectors: Numbers, batches: Sequence[int], *, is_plain: bool) -> Iterator[Job]:
    rows = _ROWS if is_plain else _EVEN_ROWS
    number = FORMS[case.kind].number
    weights = Input(number, (rows, _INNER), case.rows(rows))
    for batch in batches:
        right = Input(F32, (batch, _INNER), vectors[:batch].tobytes())
        what = f"product of {case.kind}, {count(batch, 'row')}"
        yield Job(what, [weights, right], _multiply, case.reference[:batch, :rows])
    experts = Input(number, (_NUM_EXPERTS, _EXPERT_ROWS, _INNER), case.rows(_EVEN_ROWS))
    for batch in (each for each in EXPERT_BATCHES if each <= max(batches)):
        chosen = _choice(batch)
        right = Input(F32, (batch, 1, _INNER), vectors[:batch].tobytes())
        ids = Input(I32, (batch, _NUM_USED), chosen.tobytes())
        by_expert = case.reference[:batch, :_EVEN_ROWS].reshape(batch, _NUM_EXPERTS, _EXPERT_ROWS)
        reference = np.take_along_axis(by_expert, chosen[..., None].astype(np.int64), axis=1)
        what = f"product of {case.kind} with experts, {count(batch, 'row')}"
        yield Job(what, [experts, right, ids], _multiply_by_expert, reference)


def _choice(batch: int) -> NDArray[np.int32]:
    """Two experts of four for each row; some get more rows than others."""
    first = np.arange(batch) % 3
    second = 3 - (np.arange(batch) % 5 == 0) * (first != 2)
    return np.stack((first, second), axis=1).astype(np.int32)


def _rows(library: Library, context: int, inputs: Sequence[int]) -> int:
    return int(library.ggml_get_rows(context, *inputs))


def _multiply(library: Library, context: int, inputs: Sequence[int]) -> int:
    return int(library.ggml_mul_mat(context, *inputs))


def _multiply_by_expert(library: Library, context: int, inputs: Sequence[int]) -> int:
    return int(library.ggml_mul_mat_id(context, *inputs))
