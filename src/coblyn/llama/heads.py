"""Prediction heads, which guess the token after next, on a context of their own.

Those in a model's own file (MTP) are further layers of it, and take the state behind its last layer. Those in a file of
their own (EAGLE-3) are a model to the library, and take what goes into some of the large model's layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from coblyn.llama import shim
from coblyn.llama.context import Batch, Context, ContextOptions, decode_error
from coblyn.llama.model import Model

__all__ = ["Computed", "EagleContext", "HeadBatch", "HeadContext", "States"]

_EAGLE_ROWS = 64
"""Rows per decode of an EAGLE-3 head: its graph computes the output for all of them, wanted or not."""


class Computed(NamedTuple):
    """Tokens that were decoded, in order, with the model's state for each.

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
        layers: A state is what goes into these layers, one after the other; if there are none, what comes out of the
            last one.
    """

    def __init__(self, context: Context, capacity: int, layers: Sequence[int] = ()) -> None:
        model, library = context.model, context.library
        width = len(layers) * model.width if layers else model.state_width
        self._layers: NDArray[np.int32] = np.array(layers, np.int32)
        self._tokens: NDArray[np.int32] = np.zeros(capacity, np.int32)
        self._positions: NDArray[np.int32] = np.zeros(capacity, np.int32)
        self._sequences: NDArray[np.int32] = np.zeros(capacity, np.int32)
        self._values: NDArray[np.float32] = np.zeros((capacity, width), np.float32)
        self.shim = shim.States(
            capacity=capacity,
            width=width,
            n_layers=len(layers),
            layers=self._layers.ctypes.data,
            tokens=self._tokens.ctypes.data,
            positions=self._positions.ctypes.data,
            sequences=self._sequences.ctypes.data,
            values=self._values.ctypes.data,
        )
        if layers:
            library.coblyn_keep_inputs(context.pointer, self.shim.layers, len(layers))
        else:
            library.coblyn_keep_states(context.pointer, False)

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
    """Rows for one decode of heads.

    Attributes:
        given: Of shape (capacity, width): the model's state of the token before each, to be encoded.
        states: The same as the heads take it, and give it for the tokens that they guess.
    """

    def __init__(self, heads: HeadContext) -> None:
        super().__init__(heads.max_batch)
        self.states: NDArray[np.float32] = np.zeros((heads.max_batch, heads.width), np.float32)
        self.given = self.states
        if heads.given_width != heads.width:
            self.given = np.zeros((heads.max_batch, heads.given_width), np.float32)


class HeadContext(Context):
    """The KV memory of a model's first head. Free it with ``close``, before its model.

    Args:
        model: A model that was loaded with its heads, of an architecture whose heads the library runs; or heads that
            are a model of their own.
        options: The shape of the context.
        other: For heads that are a model of their own: the large model's context.

    Attributes:
        width: Numbers of a state of the heads.
        given_width: Numbers of the model's state from which it is made.

    Raises:
        ModelUnsupported: The library refuses.
    """

    def __init__(
        self, model: Model, options: ContextOptions, *, other: Context | None = None
    ) -> None:
        super().__init__(model, replace(options, is_of_heads=other is None), other=other)
        self.library.coblyn_keep_states(self.pointer, True)
        self.width = self.given_width = model.state_width
        self._num_guessed = min(model.vocab_size, (other or self).model.vocab_size)

    def encode(self, batch: HeadBatch, count: int) -> None:
        """Make states of what the model gave for the first ``count`` rows of a batch: they are the same."""

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
        """The most likely token of the model at an index of the last batch, which must have asked for it."""
        pointer = self.library.llama_get_logits_ith(self.pointer, index)
        assert pointer, "logits are asked for where they are read"
        return int(np.ctypeslib.as_array(pointer, (self._num_guessed,)).argmax())

    def state(self, index: int) -> NDArray[np.float32]:
        """A copy of the state at an index of the last batch, all rows of which must have asked for logits.

        Some graphs keep the states of these rows only, others those of all.
        """
        pointer = self.library.coblyn_state(self.pointer, index)
        assert pointer, "states are kept where logits are"
        return np.ctypeslib.as_array(pointer, (self.width,)).copy()


class EagleContext(HeadContext):
    """The KV memory of an EAGLE-3 head. Free it with ``close``, before the other context.

    Args:
        head: The head, a model of its own, which is freed with the context.
        other: The context of the model for which it guesses.
        options: The shape of that context.
        num_layers: Number of the model's layers that it looks at.

    Raises:
        ModelUnsupported: The library refuses.
    """

    def __init__(
        self, head: Model, other: Context, options: ContextOptions, num_layers: int
    ) -> None:
        rows = max(_EAGLE_ROWS, options.max_sequences + 1)
        super().__init__(head, replace(options, max_batch=rows), other=other)
        self.given_width = num_layers * other.model.width

    def close(self) -> None:
        """Free it, and its model; a second call does nothing."""
        super().close()
        self.model.close()

    def encode(self, batch: HeadBatch, count: int) -> None:
        """Make states of what went into the model's layers, for the first ``count`` rows of a batch.

        Raises:
            EngineError: It failed.
        """
        given, states = batch.given.ctypes.data, batch.states.ctypes.data
        code = self.library.coblyn_encode_inputs(self.pointer, count, given, self.width, states)
        if code != 0:
            raise decode_error(self.library, code)
