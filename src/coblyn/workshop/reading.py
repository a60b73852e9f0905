"""Reading a text with a model in chunks, as llama.cpp's tools do: each starts over, with the token of a beginning."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from coblyn.engine.config import EngineConfig
from coblyn.engine.kernels import KernelsInUse
from coblyn.errors import BadRequest
from coblyn.llama.context import Batch, Context, ContextOptions
from coblyn.llama.cores import usable_cores
from coblyn.llama.library import Library
from coblyn.llama.model import Model
from coblyn.llama.watch import Watch

__all__ = ["LEAST", "Reader"]

LEAST = 32
"""Tokens that a text must have to say anything of a model."""

_NUM_WRITTEN = 32


class Reader:
    """A model that reads chunks of a text, set up as an engine sets it up. Use it in a ``with`` block.

    Args:
        library: The opened bundle.
        path: The model's file; of a split one, the first.
        config: Kernels, threads and layers on accelerators.
        length: Tokens of a chunk.
        watch: Sees the matrix products.

    Raises:
        ModelError: The model cannot be loaded, or writes no text.
    """

    def __init__(
        self,
        library: Library,
        path: Path,
        config: EngineConfig,
        length: int,
        watch: Watch | None = None,
    ) -> None:
        with ExitStack() as stack:
            self.model = stack.enter_context(Model(library, path, gpu_layers=config.gpu_layers))
            self.model.require_decoder()
            options = ContextOptions(length, length, 1, config.threads or usable_cores())
            kernels = KernelsInUse(config, self.model, options)
            stack.enter_context(kernels.in_use())
            self._context = stack.enter_context(Context(self.model, options, watch))
            self._stack = stack.pop_all()
        self._batch = Batch(length)
        self._num_read, self._seconds = 0, 0.0

    def __enter__(self) -> Self:
        """It is ready."""
        return self

    def __exit__(self, *_: object) -> None:
        """Free all."""
        self._stack.close()

    def chunks(self, text: str, max_chunks: int = 0) -> list[tuple[int, ...]]:
        """The tokens of a text in chunks of one length; what is left over is not used, unless it is all there is.

        Args:
            text: The text.
            max_chunks: Maximum number of chunks; 0 for all.

        Raises:
            BadRequest: The text is too short.
        """
        model = self.model
        tokens = model.tokenize(text, add_special=True, parse_special=False)
        if len(tokens) < LEAST:
            raise BadRequest(
                f"The text has {len(tokens)} tokens, and at least {LEAST} are needed.", field="text"
            )
        length = min(self._batch.capacity, len(tokens))
        count = len(tokens) // length
        starts = [length * number for number in range(min(count, max_chunks or count))]
        found = [tokens[start : start + length] for start in starts]
        return [(model.bos, *each[1:]) if model.adds_bos else tuple(each) for each in found]

    def read(self, chunk: Sequence[int], first_output: int) -> None:
        """Compute a chunk from a fresh beginning; ``logits`` has those of tokens from ``first_output`` on.

        Raises:
            EngineError: The library failed.
        """
        began = time.perf_counter()
        self._context.clear()
        self._batch.fill(0, chunk, 0, 0, output=True)
        self._batch.outputs[first_output : len(chunk)] = True
        self._context.decode(self._batch, len(chunk))
        self._context.synchronize()
        self._seconds += time.perf_counter() - began
        self._num_read += len(chunk)

    def logits(self, rows: range) -> NDArray[np.float32]:
        """Of some tokens of the chunk, of shape (tokens, vocabulary)."""
        return np.stack([self._context.logits(index) for index in rows])

    def speeds(self) -> tuple[float, float]:
        """Tokens per second: those that were read so far, and some that are written now, one after the other."""
        token = 0
        self._context.clear()
        began = time.perf_counter()
        for position in range(_NUM_WRITTEN):
            self._batch.fill(0, [token], position, 0, output=True)
            self._context.decode(self._batch, 1)
            token = int(self._context.logits(0).argmax())
        return self._num_read / self._seconds, _NUM_WRITTEN / (time.perf_counter() - began)
