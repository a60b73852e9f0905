"""Reads a text with a model in chunks, as llama.cpp's tools do: each starts afresh, with the BOS token."""

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
"""Minimum number of tokens for a meaningful result."""

_NUM_WRITTEN = 32


class Reader:
    """A model that reads chunks of a text, set up as in an engine. Use it in a ``with`` block.

    Args:
        library: The opened bundle.
        path: The model's file; of a split one, the first.
        config: Kernels, threads and layers on accelerators.
        length: Tokens of a chunk.
        watch: Receives the matrix products.

    Raises:
        ModelError: The model cannot be loaded, or does not generate text.
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
        """Return the ready reader."""
        return self

    def __exit__(self, *_: object) -> None:
        """Free everything."""
        self._stack.close()

    def chunks(self, text: str, max_chunks: int = 0) -> list[tuple[int, ...]]:
        """The tokens of a text in chunks of equal length; a remainder is used only if there is nothing else.

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
        """Compute a chunk from an empty context; ``logits`` then has those of tokens from ``first_output`` on.

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
        """Logits of some tokens of the chunk, of shape (tokens, vocabulary)."""
        return np.stack([self._context.logits(index) for index in rows])

    def speeds(self) -> tuple[float, float]:
        """Tokens per second: reading so far, and writing, measured now by writing some one after another."""
        token = 0
        self._context.clear()
        began = time.perf_counter()
        for position in range(_NUM_WRITTEN):
            self._batch.fill(0, [token], position, 0, output=True)
            self._context.decode(self._batch, 1)
            token = int(self._context.logits(0).argmax())
        return self._num_read / self._seconds, _NUM_WRITTEN / (time.perf_counter() - began)
