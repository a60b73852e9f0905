"""A context: the KV memory and the compute buffers around one model. One thread at a time may use it."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coblyn.errors import EngineError, ModelUnsupported
from coblyn.llama import bindings, shim
from coblyn.llama.adapter import Lora
from coblyn.llama.handle import Handle
from coblyn.llama.library import Library
from coblyn.llama.model import Model
from coblyn.llama.threads import Threads, own_threads
from coblyn.llama.watch import Watch

__all__ = ["Batch", "Context", "ContextOptions", "cache_kind", "decode_error"]

_CACHE_TYPES = {
    "f16": bindings.GGML_TYPE_F16,
    "bf16": bindings.GGML_TYPE_BF16,
    "q8_0": bindings.GGML_TYPE_Q8_0,
    "q5_1": bindings.GGML_TYPE_Q5_1,
    "q4_0": bindings.GGML_TYPE_Q4_0,
}

_FLASH = {
    None: bindings.LLAMA_FLASH_ATTN_TYPE_AUTO,
    True: bindings.LLAMA_FLASH_ATTN_TYPE_ENABLED,
    False: bindings.LLAMA_FLASH_ATTN_TYPE_DISABLED,
}

_PARTIAL = bindings.LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY

_DECODE_ERRORS = {
    1: "there is no room in the KV memory",
    2: "it was aborted",
    -1: "the batch is not valid",
    -2: "memory could not be allocated",
    -3: "the backend failed to compute",
    shim.DECODE_THREW: "the library raised an exception",
}


@dataclass(frozen=True, slots=True)
class ContextOptions:
    """Shape of a context.

    Attributes:
        length: Maximum length of a sequence in tokens.
        max_batch: Maximum number of tokens per decode.
        max_sequences: Sequence ids are 0 to this, exclusive.
        threads: Number of compute threads.
        flash_attention: None lets the library decide.
        cache_type: Type of K and V: "f16", "bf16", "q8_0", "q5_1" or "q4_0".
        is_unified: Whether all sequences share ``length`` cells, and prefixes; otherwise each has as many separate
            cells.
        pooling: For embeddings: the library's number (``llama_pooling_type``) of how tokens become one vector.
        is_of_heads: Whether it computes the model's prediction heads instead of its other layers.
    """

    length: int
    max_batch: int
    max_sequences: int
    threads: int
    flash_attention: bool | None = None
    cache_type: str = "f16"
    is_unified: bool = True
    pooling: int | None = None
    is_of_heads: bool = False

    @property
    def cache_kind(self) -> int:
        """The library's number (``ggml_type``) of ``cache_type``."""
        return cache_kind(self.cache_type)


def cache_kind(cache_type: str) -> int:
    """The library's number (``ggml_type``) of a type of K and V."""
    return int(_CACHE_TYPES[cache_type])


def decode_error(library: Library, code: int) -> EngineError:
    """The error for a non-zero code of ``coblyn_decode``."""
    reason = _DECODE_ERRORS.get(code, f"code {code}")
    return EngineError(
        f"The engine could not compute a step: {reason}.",
        hint="; ".join(library.log.take_errors()) or "The engine has to be started again.",
    )


class Batch:
    """Token rows for one decode, in numpy arrays that the library reads in place.

    Attributes:
        tokens, positions, sequences: int32 arrays of ``capacity`` entries.
        outputs: int8 array; 1 for tokens whose logits are wanted.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.tokens: NDArray[np.int32] = np.zeros(capacity, np.int32)
        self.positions: NDArray[np.int32] = np.zeros(capacity, np.int32)
        self.sequences: NDArray[np.int32] = np.zeros(capacity, np.int32)
        self.outputs: NDArray[np.int8] = np.zeros(capacity, np.int8)
        self.pointers = tuple(
            array.ctypes.data
            for array in (self.tokens, self.positions, self.sequences, self.outputs)
        )

    def put(self, index: int, token: int, position: int, sequence: int, *, output: bool) -> None:
        """Write one token; ``output`` says whether its logits are wanted."""
        self.tokens[index] = token
        self.positions[index] = position
        self.sequences[index] = sequence
        self.outputs[index] = output

    def fill(
        self, start: int, tokens: Sequence[int], position: int, sequence: int, *, output: bool
    ) -> None:
        """Write consecutive tokens of a sequence; ``output`` applies to the last of them."""
        end = start + len(tokens)
        self.tokens[start:end] = tokens
        self.positions[start:end] = np.arange(position, position + len(tokens))
        self.sequences[start:end] = sequence
        self.outputs[start:end] = False
        self.outputs[end - 1] = output


class Context(Handle):
    """The KV memory of sequences, and the compute buffers.

    Free it with ``close`` or a ``with`` block, before its model.

    Args:
        model: The model.
        options: Its shape.
        watch: Observes the matrix products.
        other: The context of another model, whose embeddings and output this model uses if it has none of its own.

    Attributes:
        log_lines: The library's log while the context was made.

    Raises:
        ModelUnsupported: The library refuses the model or the options.
    """

    def __init__(
        self,
        model: Model,
        options: ContextOptions,
        watch: Watch | None = None,
        other: Context | None = None,
    ) -> None:
        super().__init__(model.library.llama_free)
        self._watch = watch  # kept alive, since the library calls it
        self._threads: Threads | None = None
        self.model = model
        self.library = model.library
        params = self.library.llama_context_default_params()
        streams = 1 if options.is_unified else options.max_sequences
        # One more, to read the beginning of a sequence as a separate one, which costs nothing with shared cells.
        spare = 1 if options.is_unified and model.window_size else 0
        params.n_ctx = options.length * streams
        params.n_batch = params.n_ubatch = options.max_batch
        params.n_seq_max = options.max_sequences + spare
        params.n_threads = params.n_threads_batch = options.threads
        params.flash_attn_type = _FLASH[options.flash_attention]
        params.type_k = params.type_v = options.cache_kind
        params.kv_unified = options.is_unified
        if watch is not None:
            params.cb_eval = watch.callback
        if other is not None:
            params.ctx_other = other.pointer
        if options.is_of_heads:
            params.ctx_type = bindings.LLAMA_CONTEXT_TYPE_MTP
        if options.pooling is not None:
            params.embeddings = True
            params.pooling_type = options.pooling
        with self.library.log.alone():
            self.pointer = self.library.llama_init_from_model(model.pointer, params)
            self.log_lines = self.library.log.take_lines()
            errors = self.library.log.take_errors()
        if not self.pointer:
            reason = "; ".join(errors) or "the library gave no reason"
            raise ModelUnsupported(
                f"No context of {options.length} tokens can be created for {model.path.name}: {reason}.",
                hint="Try a smaller --context, or --cache-type f16.",
            )
        self._threads = own_threads(self.library, options.threads)
        if self._threads:
            self.library.llama_attach_threadpool(self.pointer, self._threads.pointer, None)
        self._memory = self.library.llama_get_memory(self.pointer)
        self.is_unified = options.is_unified
        self._spare = options.max_sequences
        self.num_cells = int(self.library.llama_n_ctx(self.pointer))
        self.length = int(self.library.llama_n_ctx_seq(self.pointer))
        self.max_batch = int(self.library.llama_n_batch(self.pointer))

    def close(self) -> None:
        """Free it, and then its threads; a second call does nothing."""
        super().close()
        if self._threads:
            self._threads.close()

    @property
    def pooling(self) -> int:
        """The library's number (``llama_pooling_type``) of its pooling."""
        return int(self.library.llama_pooling_type(self.pointer))

    def decode(self, batch: Batch, count: int) -> None:
        """Compute the first ``count`` tokens of a batch.

        Raises:
            EngineError: It failed; the content of the sequences is unknown from now on.
        """
        code = self.library.coblyn_decode(self.pointer, count, *batch.pointers)
        if code != 0:
            raise decode_error(self.library, code)

    def decode_media(
        self,
        embeddings: NDArray[np.float32],
        positions: NDArray[np.int32],
        sequence: int,
        *,
        output: bool,
        is_whole: bool,
    ) -> None:
        """Compute the embeddings of an image or a sound at the end of a sequence.

        Args:
            embeddings: Of shape (cells, input width of the model).
            positions: Of shape (parts of a position, cells).
            sequence: The sequence.
            output: Whether the last cell's logits are wanted; they are at the index of that cell.
            is_whole: Whether all cells attend to each other; then there are at most ``max_batch``.

        Raises:
            EngineError: It failed; the content of the sequence is unknown from now on.
        """
        cells = len(embeddings)
        for start in range(0, cells, self.max_batch):
            end = min(start + self.max_batch, cells)
            part = np.ascontiguousarray(embeddings[start:end])
            places = np.ascontiguousarray(positions[:, start:end])
            code = self.library.coblyn_decode_media(
                self.pointer,
                end - start,
                part.ctypes.data,
                places.ctypes.data,
                sequence,
                output and end == cells,
                is_whole,
            )
            if code != 0:
                raise decode_error(self.library, code)

    def set_adapters(self, adapters: Sequence[tuple[Lora, float]]) -> None:
        """Compute with exactly these adapters and scales from now on.

        Raises:
            EngineError: The library refuses.
        """
        count = len(adapters)
        pointers = (ctypes.c_void_p * count)(*(lora.pointer for lora, _ in adapters))
        scales = (ctypes.c_float * count)(*(scale for _, scale in adapters))
        if self.library.llama_set_adapters_lora(self.pointer, pointers, count, scales):
            raise EngineError("The adapters could not be set.")

    def set_control(self, directions: NDArray[np.float32] | None) -> None:
        """Add a control vector to the layers' outputs from now on.

        Args:
            directions: A row for each layer from 1 on, as long as the model is wide; None for nothing.

        Raises:
            EngineError: The library refuses.
        """
        if directions is None:
            code = self.library.llama_set_adapter_cvec(self.pointer, None, 0, 0, -1, -1)
        else:
            rows, width = directions.shape
            numbers = np.ascontiguousarray(directions, np.float32)
            data = numbers.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
            code = self.library.llama_set_adapter_cvec(
                self.pointer, data, rows * width, width, 1, rows
            )
        if code:
            raise EngineError("The control vector could not be set.")

    def logits(self, index: int) -> NDArray[np.float32]:
        """A copy of the logits at an index of the last batch, which must have asked for them."""
        pointer = self.library.llama_get_logits_ith(self.pointer, index)
        assert pointer, "logits are asked for where they are read"
        return np.ctypeslib.as_array(pointer, (self.model.vocab_size,)).copy()

    def remove(self, sequence: int, start: int) -> None:
        """Remove positions ``start`` and later from a sequence.

        Raises:
            EngineError: The model's memory cannot do that.
        """
        if not self.library.llama_memory_seq_rm(self._memory, sequence, start, -1):
            raise EngineError(f"Sequence {sequence} cannot be cut at {start}.")

    def copy(self, source: int, target: int, length: int) -> None:
        """Let an empty sequence share, or get a copy of, the first ``length`` positions of another.

        With separate cells, the source keeps only the window that its end needs.
        """
        if self.is_unified:
            self.library.llama_memory_seq_cp(self._memory, source, target, 0, length)
            return
        # With separate cells, the library copies only whole sequences.
        whole = self.save(source)
        end = int(self.library.llama_memory_seq_pos_max(self._memory, source)) + 1
        if length == end or end <= self.model.window_size or not self.model.window_size:
            self.restore(whole, target)
            self.remove(target, length)
            return
        self.remove(source, length)
        beginning = self.save(source)
        self.restore(whole, source)
        self.restore(beginning, target)

    def copy_whole(self, source: int, target: int) -> None:
        """Let an empty sequence share all of another, which is the only copy possible with recurrent states."""
        self.library.llama_memory_seq_cp(self._memory, source, target, -1, -1)

    def save(self, sequence: int, *, window_only: bool = False) -> NDArray[np.uint8]:
        """Copy a sequence's state; only contexts of the same shape can restore it.

        Of a sliding window it contains what the end of the sequence needs; ``window_only`` leaves out layers without a
        window.

        Raises:
            EngineError: The library failed.
        """
        flags = _PARTIAL * window_only
        size = self.library.llama_state_seq_get_size_ext(self.pointer, sequence, flags)
        state = np.empty(size, np.uint8)
        written = self.library.llama_state_seq_get_data_ext(
            self.pointer, state.ctypes.data, size, sequence, flags
        )
        if written != size:
            raise EngineError(f"Sequence {sequence} could not be saved.")
        return state

    def restore(
        self, state: NDArray[np.uint8], sequence: int, *, window_only: bool = False
    ) -> None:
        """Fill an empty sequence with a copy that ``save`` made, or only its window.

        Raises:
            EngineError: There is no room, or the copy is from a different context.
        """
        read = self.library.llama_state_seq_set_data_ext(
            self.pointer, state.ctypes.data, len(state), sequence, _PARTIAL * window_only
        )
        if read != len(state):
            raise EngineError(f"Sequence {sequence} could not be restored.")

    def cut(
        self, sequence: int, length: int, marks: Sequence[int] = ()
    ) -> dict[int, NDArray[np.uint8]]:
        """Cut a sequence to a length, and copy its window at other lengths up to its own.

        With separate cells and marks, it keeps only the window that its end needs.
        """
        if self.is_unified:
            windows = {mark: self._window_at(sequence, mark) for mark in marks}
            self.remove(sequence, length)
            return windows
        above = [mark for mark in marks if mark > length]
        below = [mark for mark in marks if mark <= length]
        windows = self._cut_to_windows(sequence, above)
        self.remove(sequence, length)
        if below:
            state = self.save(sequence)
            windows |= self._cut_to_windows(sequence, below)
            self.restore(state, sequence)
        return windows

    def window_start(self, sequence: int) -> int:
        """First position from which a sequence has all cells of its window; 0 for an empty sequence."""
        return max(0, int(self.library.llama_memory_seq_pos_min(self._memory, sequence)))

    def _window_at(self, sequence: int, length: int) -> NDArray[np.uint8]:
        self.library.llama_memory_seq_cp(self._memory, sequence, self._spare, 0, length)
        window = self.save(self._spare, window_only=True)
        self.remove(self._spare, 0)
        return window

    def _cut_to_windows(
        self, sequence: int, lengths: Sequence[int]
    ) -> dict[int, NDArray[np.uint8]]:
        windows = {}
        for length in sorted(lengths, reverse=True):
            self.remove(sequence, length)
            windows[length] = self.save(sequence, window_only=True)
        return windows

    def clear(self) -> None:
        """Remove all sequences."""
        self.library.llama_memory_clear(self._memory, False)

    def synchronize(self) -> None:
        """Wait until all decodes are finished."""
        self.library.llama_synchronize(self.pointer)

    def bare_loop(self, *, num_prompt: int, num_generate: int) -> tuple[float, float]:
        """Run the bare C loop on an empty memory: seconds to read a prompt, seconds to decode token by token.

        Raises:
            EngineError: A decode failed.
        """
        self.clear()
        prompt, generate = ctypes.c_double(), ctypes.c_double()
        code = self.library.coblyn_bare_loop(
            self.pointer, num_prompt, self.max_batch, num_generate, prompt, generate
        )
        self.clear()
        if code != 0:
            raise EngineError(f"The bare loop failed: {_DECODE_ERRORS.get(code, code)}.")
        return prompt.value, generate.value
