"""Prediction heads (MTP): layers of a model that guess the token after next, on a context of their own."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from coblyn.llama import shim
from coblyn.llama.context import Batch, Context, ContextOptions, decode_error
from coblyn.llama.model import Model

__all__ = ["Computed", "HeadBatch", "HeadContext", "States"]


class Computed(NamedTuple):
    """Tokens that were decoded, in order, with the state behind the last layer for each.

    Attributes:
        tokens, positions, sequences: Lists of equal length.
        values: Of shape (tokens, width of a state).
    """

    tokens: list[int]
    positions: list[int]
    sequences: list[int]
    values: NDArray[np.float32]


class States:
    """Collects the states of decoded tokens, over one or several steps.

    Args:
        context: The model's own context, which keeps states from now on.
        capacity: Maximum number of tokens between two calls of ``take``.
    """

    def __init__(self, context: Context, capacity: int) -> None:
        width = context.model.state_width
        self._tokens: NDArray[np.int32] = np.zeros(capacity, np.int32)
        self._positions: NDArray[np.int32] = np.zeros(capacity, np.int32)
        self._sequences: NDArray[np.int32] = np.zeros(capacity, np.int32)
        self._values: NDArray[np.float32] = np.zeros((capacity, width), np.float32)
        self.shim = shim.States(
            capacity=capacity,
            width=width,
            tokens=self._tokens.ctypes.data,
            positions=self._positions.ctypes.data,
            sequences=self._sequences.ctypes.data,
            values=self._values.ctypes.data,
        )
        context.library.coblyn_keep_states(context.pointer, False)

    def take(self) -> Computed:
        """What was decoded since the last call."""
        count, self.shim.n = self.shim.n, 0
        return Computed(
            self._tokens[:count].tolist(),
            self._positions[:count].tolist(),
            self._sequences[:count].tolist(),
            self._values[:count].copy(),
        )


class HeadBatch(Batch):
    """Rows for one decode of the heads.

    Attributes:
        states: Of shape (capacity, width): the state of the token before each.
    """

    def __init__(self, capacity: int, width: int) -> None:
        super().__init__(capacity)
        self.states: NDArray[np.float32] = np.zeros((capacity, width), np.float32)


class HeadContext(Context):
    """The KV memory of a model's first head. Free it with ``close``, before its model.

    Args:
        model: A model that was loaded with its heads, of an architecture whose heads the library runs.
        options: The shape of the model's own context.

    Raises:
        ModelUnsupported: The library refuses.
    """

    def __init__(self, model: Model, options: ContextOptions) -> None:
        super().__init__(model, replace(options, is_of_heads=True))
        self.library.coblyn_keep_states(self.pointer, True)
        self.width = model.state_width

    def compute(self, batch: HeadBatch, count: int) -> None:
        """Compute the first ``count`` rows of a batch.

        Raises:
            EngineError: It failed; the content of the sequences is unknown from now on.
        """
        states = batch.states.ctypes.data
        code = self.library.coblyn_decode_heads(self.pointer, count, *batch.pointers, states)
        if code != 0:
            raise decode_error(self.library, code)

    def best(self, index: int) -> int:
        """The most likely token at an index of the last batch, which must have asked for it."""
        pointer = self.library.llama_get_logits_ith(self.pointer, index)
        assert pointer, "logits are asked for where they are read"
        return int(np.ctypeslib.as_array(pointer, (self.model.vocab_size,)).argmax())

    def state(self, index: int) -> NDArray[np.float32]:
        """A copy of the state at an index of the last batch, all rows of which must have asked for logits.

        Some graphs keep the states of these rows only, others those of all.
        """
        pointer = self.library.coblyn_state(self.pointer, index)
        assert pointer, "states are kept where logits are"
        return np.ctypeslib.as_array(pointer, (self.width,)).copy()
