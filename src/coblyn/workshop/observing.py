"""The task of the process that makes an importance matrix: it reads a text, and sums squares of inputs to weights.

The sums are those of llama.cpp's ``llama-imatrix``: matrices of layers, products with at least 16 rows, and all that
experts compute.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from coblyn.engine.config import EngineConfig
from coblyn.errors import EngineError
from coblyn.files import disk_errors
from coblyn.llama.library import Library
from coblyn.llama.watch import Product, Watch
from coblyn.workshop.importance import Importance, Sums, write_importance
from coblyn.workshop.protocol import Tell
from coblyn.workshop.reading import Reader
from coblyn.workshop.text import open_text

__all__ = ["Observer", "observe"]

_LEAST_ROWS = 16


class Observer:
    """Sums the squared inputs of weights.

    Args:
        with_output: Whether to include the output matrix.
    """

    def __init__(self, *, with_output: bool = False) -> None:
        self._with_output = with_output
        self._squares: dict[str, NDArray[np.float64]] = {}
        self._counts: dict[str, NDArray[np.float64]] = {}

    def wants(self, name: str, rows: int) -> bool:
        """Whether a product counts."""
        is_layer = name.startswith("blk.") and name.endswith(".weight")
        is_output = self._with_output and name == "output.weight"
        return rows >= _LEAST_ROWS and (is_layer or is_output)

    def take(self, product: Product) -> None:
        """Add the inputs of a product.

        Raises:
            EngineError: They are not finite.
        """
        if product.experts is None:
            self._add_plain(product)
        else:
            self._add_experts(product, product.experts)
        if not np.isfinite(self._squares[product.name]).all():
            raise EngineError(f"The model computes what is not a number at {product.name}.")

    def sums(self) -> dict[str, Sums]:
        """All sums."""
        return {
            name: Sums(squares.astype(np.float32), self._counts[name].astype(np.float32))
            for name, squares in self._squares.items()
        }

    def _add_plain(self, product: Product) -> None:
        inputs = product.inputs.reshape(-1, *product.inputs.shape[-2:])
        squares, counts = self._of(product, 1)
        # If one matrix gets several groups of rows, they belong to its matrices in turn.
        for index, group in enumerate(inputs):
            squares[index % product.num_matrices] += _sum_of_squares(group)
        counts += inputs.shape[0] * inputs.shape[1] // product.num_matrices

    def _add_experts(self, product: Product, experts: NDArray[np.int32]) -> None:
        squares, counts = self._of(product, product.num_matrices)
        tokens, used = experts.shape
        width = product.inputs.shape[-1]
        # If all experts of a token get the same inputs, these are present once.
        inputs = np.broadcast_to(product.inputs, (tokens, used, width))
        for expert in np.unique(experts):
            chosen = experts == expert
            squares[expert] += _sum_of_squares(inputs[chosen])
            counts[expert] += chosen.sum()

    def _of(
        self, product: Product, num_counts: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        shape = (product.num_matrices, product.inputs.shape[-1])
        squares = self._squares.setdefault(product.name, np.zeros(shape))
        return squares, self._counts.setdefault(product.name, np.zeros(num_counts))


def _sum_of_squares(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sum of squares of each column, without copying the rows."""
    found: NDArray[np.float32] = np.einsum("ri,ri->i", rows, rows)
    return found


def observe(library: Library, request: dict[str, Any], tell: Tell) -> dict[str, Any]:
    """Read a text, and write the importance matrix.

    Args:
        library: The opened bundle.
        request: ``model``, ``text`` and ``target``, files; ``name`` of the text; ``length`` of a chunk in tokens;
            ``max_chunks``; ``config`` as ``EngineConfig`` has it; ``with_output``.
        tell: Receives the progress.

    Returns:
        ``num_chunks``, ``num_tensors``, and ``unseen``: tensors with an expert that received no input.
    """
    observer = Observer(with_output=request["with_output"])
    watch = Watch(library, observer.wants, observer.take)
    config = msgspec.convert(request["config"], EngineConfig)
    text = open_text(Path(request["text"]))
    with Reader(library, Path(request["model"]), config, request["length"], watch) as reader:
        chunks = reader.chunks(text, request["max_chunks"])
        for number, chunk in enumerate(chunks):
            _tell_progress(tell, request, number, len(chunks))
            # If the logits of all tokens are requested, the last layer also computes all of them.
            reader.read(chunk, 0)
            if watch.failure:
                raise watch.failure
    _tell_progress(tell, request, len(chunks), len(chunks))
    length = len(chunks[0])
    importance = Importance(observer.sums(), [request["name"]], len(chunks), length)
    target = Path(request["target"])
    with (
        disk_errors(target.parent, what="Writing the importance matrix"),
        target.open("wb") as file,
    ):
        write_importance(file, importance)
    unseen = [name for name, sums in importance.sums.items() if not sums.counts.all()]
    return {"num_chunks": len(chunks), "num_tensors": len(importance.sums), "unseen": unseen}


def _tell_progress(tell: Tell, request: dict[str, Any], done: int, total: int) -> None:
    phase = f"Reading {request['name']}"
    tell("progress", phase=phase, done=done, total=total, unit="chunks", detail="")
