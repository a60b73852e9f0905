"""Coblyn's CPU kernels (matrix products and attention) inside ggml's CPU backend: installation, state and measurements.

There is one per process, since there is one CPU backend. The compute threads decide about each product independently:
if the settings changed during a graph, the threads would disagree and wait for each other forever. So the first engine
that computes sets it up, and the settings stay while any engine computes (``shared``).

The twin of ``native/shim/kernels/coblyn_kernels.h``.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from coblyn.llama.library import Library
    from coblyn.llama.model import Heads

__all__ = ["REASONS", "SELF_CHECK", "Kernels"]

_NUM_TYPES = 40
"""``GGML_TYPE_COUNT`` of the pinned ggml.h is a little more; those after MXFP4 have no kernel of ours."""

_MOST = 1 << 20  # the library takes its own limit for it

_READY = 0

SELF_CHECK = 4
"""The status for a failed self-check."""

REASONS: Mapping[int, str] = MappingProxyType(
    {
        _READY: "",
        1: "no CPU backend is registered",
        2: "this build of ggml cannot hand products over",
        3: "ggml's own code is as fast on this processor",
        SELF_CHECK: "its own check failed, so it was taken out again",
    }
)
"""Reasons why it is not installed, by ``coblyn_kernels_status``."""


class Kernels:
    """Replaces matrix products of the CPU backend where that is faster than ggml.

    Args:
        library: The opened bundle.
    """

    _lock: ClassVar = threading.Lock()
    _num_users: ClassVar = 0

    def __init__(self, library: Library) -> None:
        self._library = library
        self._stop = ctypes.c_int32(0)

    @contextmanager
    def shared(self, set_up: Callable[[], None]) -> Iterator[None]:
        """Keep the settings unchanged within the block, so that contexts can compute.

        Args:
            set_up: Installs or removes the kernels, and sets batches. Called only if no other such block is active;
                others wait until it is done.
        """
        with Kernels._lock:
            if not Kernels._num_users:
                set_up()
            Kernels._num_users += 1
        try:
            yield
        finally:
            with Kernels._lock:
                Kernels._num_users -= 1

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Prevent other engines from starting to compute within the block.

        Gives whether at most one computes now; does not wait.
        """
        if not Kernels._lock.acquire(blocking=False):
            yield False
            return
        try:
            yield Kernels._num_users <= 1
        finally:
            Kernels._lock.release()

    def install(self) -> str:
        """Replace products from now on, each type from the library's default minimum batch.

        Must not be called during computation.

        Returns:
            The reason why it is not installed; empty if it is.
        """
        status = self._library.coblyn_kernels_install()
        if status == _READY:
            # Choosing the instruction set again sets all batches to the library's choice.
            self._library.coblyn_kernels_use_isa(self._library.coblyn_kernels_isa())
        return REASONS.get(status, f"status {status}")

    def take_everything(self, *, few: bool) -> None:
        """Replace everything that has a kernel, even where ggml is faster. Must not be called during computation.

        Args:
            few: Whether to use the code for few rows where it exists; otherwise that for many rows, even for one row.
        """
        for kind in range(_NUM_TYPES):
            if self.min_batch(kind):
                self.set_min_batch(kind, 1)
            self.set_max_few(kind, _MOST if few else 0)
        self.set_min_tokens(2)
        self.set_single(True)

    def remove(self) -> None:
        """Restore all of ggml's products. Must not be called during computation."""
        self._library.coblyn_kernels_remove()

    @property
    def is_installed(self) -> bool:
        """Whether products are replaced."""
        return bool(self._library.coblyn_kernels_is_installed())

    @property
    def instruction_set(self) -> str:
        """The instruction set in use, such as "AVX2"."""
        return str((self._library.coblyn_kernels_isa() or b"").decode())

    @property
    def num_taken(self) -> int:
        """Number of products and attentions replaced so far."""
        return int(self._library.coblyn_kernels_taken())

    def kinds(self, names: Iterable[str]) -> tuple[int, ...]:
        """Numbers (``ggml_type``) of the named types that are replaced for any batch."""
        if not self.is_installed:
            return ()
        wanted = set(names)
        found = (kind for kind in range(_NUM_TYPES) if self._name(kind) in wanted)
        return tuple(kind for kind in found if self.min_batch(kind))

    def min_batch(self, kind: int) -> int:
        """The smallest batch of a weight type (``ggml_type``) that is replaced; 0 if none is."""
        return int(self._library.coblyn_kernels_min_batch(kind))

    def set_min_batch(self, kind: int, batch: int) -> None:
        """Change it; 0 leaves the type to ggml. Must not be called during computation."""
        self._library.coblyn_kernels_set_min_batch(kind, batch)

    def uses_tiles(self, kind: int) -> bool:
        """Whether batches of a weight type are multiplied with tiles (AMX), where there are some."""
        return bool(self._library.coblyn_kernels_uses_tiles(kind))

    def set_tiles(self, kind: int, may: bool) -> None:
        """Forbid or allow it. Must not be called during computation."""
        self._library.coblyn_kernels_set_tiles(kind, may)

    def max_few(self, kind: int) -> int:
        """Maximum number of rows for which the code for few rows is used for a weight type; 0 for none."""
        return int(self._library.coblyn_kernels_max_few(kind))

    def set_max_few(self, kind: int, rows: int) -> None:
        """Change it, to 4 at most; 0 leaves such products to ``min_batch``. Must not be called during computation."""
        self._library.coblyn_kernels_set_max_few(kind, rows)

    @property
    def min_tokens(self) -> int:
        """Minimum number of tokens of a sequence per step whose attention is replaced, for more than one.

        0 for never.
        """
        return int(self._library.coblyn_kernels_min_tokens()) if self.is_installed else 0

    def set_min_tokens(self, tokens: int) -> None:
        """Change it; 0 leaves attention to ggml. Must not be called during computation."""
        self._library.coblyn_kernels_set_min_tokens(tokens)

    @property
    def takes_single(self) -> bool:
        """Whether attention of a single token is replaced, as in decode steps."""
        return self.is_installed and bool(self._library.coblyn_kernels_single())

    @property
    def takes_attention(self) -> bool:
        """Whether any attention is replaced."""
        return self.takes_single or self.min_tokens > 0

    def set_single(self, is_taken: bool) -> None:
        """Change it. Must not be called during computation."""
        self._library.coblyn_kernels_set_single(is_taken)

    def _name(self, kind: int) -> str:
        return str((self._library.ggml_type_name(kind) or b"").decode())

    def find_batch(
        self, kind: int, rows: int, columns: int, *, threads: int, seconds: float
    ) -> int:
        """Measure the minimum batch from which the kernels are faster for a weight matrix; 0 if they are not at 256.

        Must not be called during other computation.

        Args:
            kind: Type of the weights (``ggml_type``).
            rows: Outputs of the matrix.
            columns: Inputs of the matrix; a multiple of the type's block.
            threads: Threads of the CPU backend.
            seconds: How long each of up to eight batches is measured.
        """
        return int(self._library.coblyn_kernels_find_batch(kind, rows, columns, threads, seconds))

    def find_tiles(
        self, kind: int, rows: int, columns: int, *, threads: int, seconds: float
    ) -> bool:
        """Measure whether tiles are faster than vectors for a weight matrix; no where there are none.

        Must not be called during other computation.

        Args:
            kind: Type of the weights (``ggml_type``).
            rows: Outputs of the matrix.
            columns: Inputs of the matrix; a multiple of the type's block.
            threads: Threads of the CPU backend.
            seconds: How long it is measured, about.
        """
        return bool(self._library.coblyn_kernels_find_tiles(kind, rows, columns, threads, seconds))

    def find_few(self, kind: int, rows: int, columns: int, *, threads: int, seconds: float) -> int:
        """Measure the maximum number of rows for which the code for few rows is faster, with weights read from memory.

        Must not be called during other computation. It needs 100 MB of memory.

        Args:
            kind: Type of the weights (``ggml_type``).
            rows: Outputs of the matrix.
            columns: Inputs of the matrix; a multiple of the type's block.
            threads: Threads of the CPU backend.
            seconds: How long each of up to three counts is measured, at least.

        Returns:
            0, 1, 2 or 4.
        """
        return int(self._library.coblyn_kernels_find_few(kind, rows, columns, threads, seconds))

    def find_tokens(
        self, kind: int, heads: Heads, *, cells: int, threads: int, seconds: float
    ) -> int:
        """Measure the minimum number of tokens from which the attention kernel is faster; 0 if it is not with 256.

        Must not be called during other computation.

        Args:
            kind: Type of the KV cache (``ggml_type``).
            heads: Shape of the attention.
            cells: How many cells the tokens look at; at least 256.
            threads: Threads of the CPU backend.
            seconds: How long each of up to eight counts of tokens is measured.
        """
        find = self._library.coblyn_kernels_find_tokens
        shape = (heads.length, heads.count, heads.key_count)
        return int(find(kind, *shape, cells, threads, seconds))

    def measure_attention(
        self, kind: int, heads: Heads, *, cells: int, tokens: int, threads: int, seconds: float
    ) -> float:
        """Measure the speed of the attention kernel relative to ggml's; 0 if it cannot be measured.

        Must not be called during other computation.

        Args:
            kind: Type of the KV cache (``ggml_type``).
            heads: Shape of the attention.
            cells: How many cells the tokens look at.
            tokens: How many look; at most ``cells``.
            threads: Threads of the CPU backend.
            seconds: How long it is measured, about.
        """
        measure = self._library.coblyn_kernels_measure_attention
        shape = (heads.length, heads.count, heads.key_count)
        return float(measure(kind, *shape, cells, tokens, threads, seconds))

    def take_spread(self) -> float | None:
        """The interquartile range of a comparison's rounds, relative to their median.

        Gives the largest of all comparisons since the last call; None if one was stopped.
        """
        spread = float(self._library.coblyn_kernels_take_spread())
        return spread if spread >= 0 else None

    @contextmanager
    def stoppable(self) -> Iterator[None]:
        """Let ``stop`` end measurements within the block."""
        self._library.coblyn_kernels_watch(ctypes.addressof(self._stop))
        try:
            yield
        finally:
            self._library.coblyn_kernels_watch(None)

    def stop(self, wanted: bool) -> None:
        """Set or clear the request to end measurements in ``stoppable``. Any thread may call.

        They end within a round of about a millisecond, or one product if that takes longer.
        """
        self._stop.value = wanted
