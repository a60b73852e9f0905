"""A matrix product by itself on one device: the smallest thing that shows what a device does."""

from __future__ import annotations

import ctypes
from contextlib import ExitStack

import numpy as np
from numpy.typing import NDArray

from coblyn.errors import EngineError
from coblyn.llama import bindings
from coblyn.llama.handle import Handle
from coblyn.llama.library import Library

__all__ = ["TYPES", "Product", "Unsupported"]

TYPES = {
    "f32": bindings.GGML_TYPE_F32,
    "f16": bindings.GGML_TYPE_F16,
    "q8_0": bindings.GGML_TYPE_Q8_0,
    "q4_0": bindings.GGML_TYPE_Q4_0,
}
"""Types that the weights may have, by the name that GGUF files use."""

_NUM_TENSORS = 8


class Unsupported(EngineError):
    """The device does not multiply weights of this type; the CPU would do it in its place."""

    code = "operation_unsupported"


class Product(Handle):
    """Weights on a device, and the product of activations with them. One thread at a time may use it.

    Free it with ``close`` or a ``with`` block.

    Args:
        library: The opened bundle.
        device: Name of the device.
        kind: Type of the weights, one of ``TYPES``.
        weights: The weights, row by row, as a GGUF file holds them.
        rows: Rows of the weights.
        inner: Numbers in a row, a multiple of 32.
        columns: Vectors that are multiplied at a time, each of ``inner`` numbers.
        threads: Threads, where the device is a CPU.

    Raises:
        Unsupported: The device can not do it.
        EngineError: The device can not be used, or lacks memory.
    """

    def __init__(
        self,
        library: Library,
        device: str,
        kind: str,
        weights: bytes,
        *,
        rows: int,
        inner: int,
        columns: int,
        threads: int,
    ) -> None:
        super().__init__(library.ggml_backend_free)
        self._library = library
        self._name = device
        self._shape = (columns, rows)
        with ExitStack() as stack:
            stack.callback(super().close)
            self._open(device, threads)
            context = stack.enter_context(_graph_memory(library))
            self._left = library.ggml_new_tensor_2d(context.pointer, TYPES[kind], inner, rows)
            self._right = library.ggml_new_tensor_2d(
                context.pointer, bindings.GGML_TYPE_F32, inner, columns
            )
            self._result = library.ggml_mul_mat(context.pointer, self._left, self._right)
            self._check(kind)
            stack.enter_context(self._memory(context))
            assert library.ggml_nbytes(self._left) == len(weights), "weights fill their tensor"
            library.ggml_backend_tensor_set(self._left, weights, 0, len(weights))
            self._graph = library.ggml_new_graph(context.pointer)
            library.ggml_build_forward_expand(self._graph, self._result)
            self._stack = stack.pop_all()

    def set(self, activations: NDArray[np.float32]) -> None:
        """Copy the vectors to the device: ``columns`` rows of ``inner`` numbers."""
        data = np.ascontiguousarray(activations, np.float32)
        assert data.nbytes == self._library.ggml_nbytes(self._right), "vectors fill their tensor"
        self._library.ggml_backend_tensor_set(self._right, data.ctypes.data, 0, data.nbytes)

    def compute(self) -> None:
        """Multiply; the device may still be at it afterwards.

        Raises:
            EngineError: The device failed.
        """
        status = self._library.ggml_backend_graph_compute(self.pointer, self._graph)
        if status != 0:
            raise EngineError(f"{self._name} failed to multiply matrices (status {status}).")

    def wait(self) -> None:
        """Wait until all products are computed."""
        self._library.ggml_backend_synchronize(self.pointer)
        # Not every backend waits when it is told to (RPC does not), but whoever gives a result has it.
        first = ctypes.c_float()
        self._library.ggml_backend_tensor_get(
            self._result, ctypes.addressof(first), 0, ctypes.sizeof(first)
        )

    def get(self) -> NDArray[np.float32]:
        """The result from the device: ``columns`` rows, one number for each row of the weights."""
        result = np.empty(self._shape, np.float32)
        self._library.ggml_backend_tensor_get(self._result, result.ctypes.data, 0, result.nbytes)
        return result

    def close(self) -> None:
        """Free all of it; a second call does nothing."""
        stack = getattr(self, "_stack", None)
        if stack is not None:
            stack.close()
        super().close()

    def _open(self, device: str, threads: int) -> None:
        library = self._library
        found = library.ggml_backend_dev_by_name(device.encode())
        self.pointer = library.ggml_backend_dev_init(found, None) if found else None
        if not self.pointer:
            raise EngineError(f"The device {device} can not be opened.", hint=_reason(library))
        registry = library.ggml_backend_dev_backend_reg(found)
        address = library.ggml_backend_reg_get_proc_address(registry, b"ggml_backend_set_n_threads")
        if address:
            ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int)(address)(self.pointer, threads)
        self._device = found

    def _check(self, kind: str) -> None:
        if not self._library.ggml_backend_dev_supports_op(self._device, self._result):
            raise Unsupported(f"{self._name} does not multiply {kind} matrices.")

    def _memory(self, context: Handle) -> Handle:
        buffer = Handle(self._library.ggml_backend_buffer_free)
        buffer.pointer = self._library.ggml_backend_alloc_ctx_tensors(context.pointer, self.pointer)
        if not buffer.pointer:
            raise EngineError(
                f"{self._name} has no memory for a small matrix product.",
                hint=_reason(self._library),
            )
        return buffer


def _graph_memory(library: Library) -> Handle:
    """A context for the descriptions of tensors and of one graph; their data is elsewhere."""
    size = _NUM_TENSORS * library.ggml_tensor_overhead() + library.ggml_graph_overhead()
    context = Handle(library.ggml_free)
    context.pointer = library.ggml_init(bindings.ggml_init_params(size, None, True))
    if not context.pointer:
        raise EngineError("The library has no memory for a graph.")
    # The bundle's fingerprint says nothing about this struct, so the library tells what it read.
    told = library.ggml_get_mem_size(context.pointer)
    if not size <= told < size + 64 or not library.ggml_get_no_alloc(context.pointer):
        raise EngineError(
            "The library reads ggml_init_params otherwise than the bindings write it.",
            hint="coblyn build --force",
        )
    return context


def _reason(library: Library) -> str:
    return "; ".join(library.log.take_errors()) or "The library gave no reason."
