"""A matrix product by itself on one device, many times with the same weights."""

from __future__ import annotations

from contextlib import ExitStack

import numpy as np
from numpy.typing import NDArray

from coblyn.llama import bindings
from coblyn.llama.handle import Handle
from coblyn.llama.library import Library
from coblyn.llama.operation import Input, OpenDevice, Operation, Unsupported

__all__ = ["TYPES", "Product", "Unsupported"]

TYPES = {
    "f32": bindings.GGML_TYPE_F32,
    "f16": bindings.GGML_TYPE_F16,
    "q8_0": bindings.GGML_TYPE_Q8_0,
    "q4_0": bindings.GGML_TYPE_Q4_0,
}
"""Types that the weights may have, by the name that GGUF files use."""


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
        Unsupported: The device cannot do it.
        EngineError: The device cannot be used, or lacks memory.
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
        with ExitStack() as stack:
            opened = stack.enter_context(OpenDevice(library, device))
            opened.set_threads(threads)
            self._operation = stack.enter_context(
                Operation(
                    opened,
                    [
                        Input(TYPES[kind], (rows, inner), weights),
                        Input(bindings.GGML_TYPE_F32, (columns, inner)),
                    ],
                    lambda library, context, inputs: library.ggml_mul_mat(context, *inputs),
                    (columns, rows),
                )
            )
            both = stack.pop_all()
        super().__init__(lambda _: both.close())
        self.pointer = self._operation.pointer

    def set(self, activations: NDArray[np.float32]) -> None:
        """Copy the vectors to the device: ``columns`` rows of ``inner`` numbers."""
        self._operation.set(1, activations)

    def compute(self) -> None:
        """Multiply; the device may still be at it afterwards.

        Raises:
            EngineError: The device failed.
        """
        self._operation.compute()

    def wait(self) -> None:
        """Wait until all products are computed."""
        self._operation.wait()

    def get(self) -> NDArray[np.float32]:
        """The result from the device: ``columns`` rows, one number for each row of the weights."""
        return self._operation.get()
