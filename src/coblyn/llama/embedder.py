"""Embeddings of texts, or scores of pairs of texts, on a separate context."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from coblyn.errors import EngineError
from coblyn.llama import bindings
from coblyn.llama.context import Batch, Context, ContextOptions
from coblyn.llama.model import Model

__all__ = ["Embedder"]

_SMALLEST = 512


class Embedder:
    """Embeds whole texts. Free it with ``close`` before its model.

    A text is computed in one step, since the library pools the tokens of a step; so the context grows with the longest
    text.

    Args:
        model: The model; its pooling is used, or the mean of all tokens if it has none.
        options: Threads, flash attention, and the number of texts per step.
    """

    def __init__(self, model: Model, options: ContextOptions) -> None:
        self._model = model
        self._options = options
        self._context: Context | None = None
        self._batch = Batch(1)

    @property
    def width(self) -> int:
        """Length of a vector; for a reranker, its number of classes, of which the first is the score."""
        library, pointer = self._model.library, self._model.pointer
        if self._model.is_reranker:
            return int(library.llama_model_n_cls_out(pointer))
        return int(library.llama_model_n_embd_out(pointer))

    @property
    def context(self) -> Context:
        """The context in which it computes."""
        return self._context_for(1)

    def embed(self, texts: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """The vector of each text, not normalized.

        Args:
            texts: At most ``options.max_sequences``, each of one token to as many as the model was trained with.

        Returns:
            float32 of shape (texts, ``width``).

        Raises:
            EngineError: The library failed.
        """
        context = self._context_for(sum(map(len, texts)))
        end = 0
        for sequence, ids in enumerate(texts):
            self._batch.fill(end, ids, 0, sequence, output=True)
            end += len(ids)
        self._batch.outputs[:end] = True  # all tokens are pooled
        context.clear()
        context.decode(self._batch, end)
        return np.stack([self._vector(context, sequence) for sequence in range(len(texts))])

    def close(self) -> None:
        """Free it; a second call does nothing."""
        if self._context is not None:
            self._context.close()
            self._context = None

    def _vector(self, context: Context, sequence: int) -> NDArray[np.float32]:
        found = context.library.llama_get_embeddings_seq(context.pointer, sequence)
        if not found:
            raise EngineError("The library gave no embedding.")
        return np.ctypeslib.as_array(found, (self.width,)).copy()

    def _context_for(self, num_tokens: int) -> Context:
        if self._context is not None and self._batch.capacity >= num_tokens:
            return self._context
        self.close()
        size = max(_SMALLEST, 1 << (num_tokens - 1).bit_length())
        self._batch = Batch(size)
        self._context = self._made(size, bindings.LLAMA_POOLING_TYPE_UNSPECIFIED)
        if self._context.pooling == bindings.LLAMA_POOLING_TYPE_NONE:
            self.close()
            self._context = self._made(size, bindings.LLAMA_POOLING_TYPE_MEAN)
        return self._context

    def _made(self, size: int, pooling: int) -> Context:
        options = replace(
            self._options,
            length=size,
            max_batch=size,
            is_unified=True,
            pooling=pooling,
        )
        return Context(self._model, options)
