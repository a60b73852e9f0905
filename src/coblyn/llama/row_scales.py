"""Adapters with a scale per row of a step; the counterpart of ``coblyn_rows`` in the kernels' header."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from coblyn.errors import EngineError
from coblyn.llama.adapter import Lora
from coblyn.llama.handle import Handle
from coblyn.llama.library import Library

__all__ = ["RowScales"]


class RowScales(Handle):
    """The scales of a context's adapters for each row of its steps. Free it before the adapters.

    It has no pointer, and no effect, if the kernels are not installed (``llama/kernels.py``).

    Args:
        library: The opened bundle.
    """

    def __init__(self, library: Library) -> None:
        super().__init__(library.coblyn_rows_free)
        self._library = library
        self.pointer = library.coblyn_rows_new()

    def add(self, lora: Lora, number: int) -> int:
        """Give an adapter a number, from 0 on; how many matrices it has."""
        return int(self._library.coblyn_rows_add(self.pointer, lora.pointer, number))

    def set_rows(self, scales: NDArray[np.float32]) -> None:
        """Let adapters work on the rows of the next steps, which have one token each and draw from all of them.

        Args:
            scales: Of shape (adapters, rows), the rows in the order in which they stand in the batch.
        """
        num_adapters, num_rows = scales.shape
        self._set(num_adapters, num_rows, scales)

    def set_alike(self, scales: NDArray[np.float32]) -> None:
        """Let adapters work on all rows alike; ``scales`` has a number for each."""
        self._set(len(scales), 0, scales)

    def set_off(self) -> None:
        """Let adapters work as the context has them."""
        self._set(0, -1, np.zeros(0, np.float32))

    def take(self) -> int:
        """Matrices that worked since the last call.

        Raises:
            EngineError: One worked in a way that is not known, so that rows may have got what is not theirs.
        """
        count = int(self._library.coblyn_rows_take(self.pointer))
        if count < 0:
            raise EngineError("An adapter could not be kept to the rows that it is for.")
        return count

    def _set(self, num_adapters: int, num_rows: int, scales: NDArray[np.float32]) -> None:
        numbers = np.ascontiguousarray(scales, np.float32)
        self._library.coblyn_rows_set(self.pointer, num_adapters, num_rows, numbers.ctypes.data)
