"""Cache operations on a context, and the copies of sequences that they keep in main memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coblyn.engine.kept_logits import KeptLogits
from coblyn.engine.plan import CacheOp, Copy, Discard, Remove, Restore, Save
from coblyn.engine.state import Buffers
from coblyn.llama.context import Context

__all__ = ["Copies"]


@dataclass(frozen=True, slots=True)
class _Saved:
    """A sequence saved in main memory, the logits at the end of its prompt, and its window at its marks."""

    state: NDArray[np.uint8]
    logits: NDArray[np.float32] | None
    windows: dict[int, NDArray[np.uint8]]


class Copies:
    """Carries out a plan's cache operations.

    Args:
        context: The context of the sequences.
        kept: The logits kept with them.
        is_rewindable: Whether a part of a sequence can be copied (``ModelInfo``).
    """

    def __init__(self, context: Context, kept: KeptLogits, is_rewindable: bool) -> None:
        self._context = context
        self._kept = kept
        self._is_rewindable = is_rewindable
        self._saved: dict[int, _Saved] = {}

    def carry_out(self, operation: CacheOp) -> None:
        """Do a cache operation."""
        if isinstance(operation, Remove):
            self._context.remove(operation.sequence, operation.start)
            if operation.start == 0:
                self._kept.drop_end(operation.sequence)
            return
        if isinstance(operation, Save):
            self._save(operation)
        elif isinstance(operation, Restore):
            self._restore(operation)
        elif isinstance(operation, Discard):
            del self._saved[operation.key]
        else:
            self._copy(operation)

    def take(self, key: int) -> Buffers:
        """The buffers of a copy."""
        saved = self._saved[key]
        logits = b"" if saved.logits is None else saved.logits.tobytes()
        windows = {mark: window.tobytes() for mark, window in saved.windows.items()}
        return Buffers(saved.state.tobytes(), logits, windows)

    def put(self, key: int, buffers: Buffers) -> None:
        """Store a copy from buffers of another context."""
        logits = np.frombuffer(buffers.logits, np.float32) if buffers.logits else None
        windows = {
            mark: np.frombuffer(window, np.uint8) for mark, window in buffers.windows.items()
        }
        self._saved[key] = _Saved(np.frombuffer(buffers.state, np.uint8), logits, windows)

    def _save(self, operation: Save) -> None:
        sequence = operation.sequence
        state = self._context.save(sequence)
        windows = {mark: self._saved[key].windows[mark] for mark, key in operation.taken}
        windows |= self._context.cut(sequence, operation.keep, operation.marks)
        self._saved[operation.key] = _Saved(state, self._kept.end(sequence), windows)
        if operation.keep == 0:
            self._kept.drop_end(sequence)

    def _restore(self, operation: Restore) -> None:
        saved = self._saved[operation.key]
        self._context.restore(saved.state, operation.sequence)
        window = saved.windows.get(operation.length)
        if window is not None:
            self._context.remove(operation.sequence, operation.length)
            self._context.restore(window, operation.sequence, window_only=True)
        self._kept.put_end(operation.sequence, saved.logits)

    def _copy(self, operation: Copy) -> None:
        if self._is_rewindable:
            self._context.copy(operation.source, operation.target, operation.length)
        else:
            self._context.copy_whole(operation.source, operation.target)
        self._kept.put_end(operation.target, self._kept.end(operation.source))
