"""Coblyn's own matrix products and attention inside ggml's CPU backend: installed, asked about, measured.

One in a process, since there is one CPU backend. The threads that compute a graph ask about each product by
themselves: if what is taken over changed meanwhile, they would not agree, and wait for each other forever. So it
is set up by the first who computes, and stays for all who come while one is there (``shared``).

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
"""The status that says that its own check failed."""

REASONS: Mapping[int, str] = MappingProxyType(
    {
        _READY: "",
        1: "no CPU backend is registered",
        2: "this build of ggml cannot hand products over",
        3: "ggml's own code is as fast on this processor",
        SELF_CHECK: "its own check failed, so it was taken out again",
    }
)
"""Why it is not installed, by ``coblyn_kernels_status``."""


class Kernels:
    """Takes matrix products of the CPU backend over, and leaves to ggml what ggml does as fast.

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
        """Keep what is taken over as it is, so that contexts can compute in the block.

        Args:
            set_up: Installs or removes, and sets batches. Only called if nobody else is in such a block; until it is
                done others wait before theirs.
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
        """Let nobody else come to compute in the block; gives whether at most one is there. It does not wait."""
        if not Kernels._lock.acquire(blocking=False):
            yield False
            return
        try:
            yield Kernels._num_users <= 1
        finally:
            Kernels._lock.release()

    def install(self) -> str:
        """Take products over from now on, each type from the library's own choice of a batch on.

        Not while something is computed.

        Returns:
            Why it is not installed; empty if it is.
        """
        status = self._library.coblyn_kernels_install()
        if status == _READY:
            # Choosing the instruction set again sets all batches to the library's choice.
            self._library.coblyn_kernels_use_isa(self._library.coblyn_kernels_isa())
        return REASONS.get(status, f"status {status}")

    def take_everything(self, *, few: bool) -> None:
        """Take over all that there are kernels for, even where ggml is faster. Not while something is computed.

        Args:
            few: Use the code for few rows of activations where there is some; otherwise that for many, of one row too.
        """
        for kind in range(_NUM_TYPES):
            if self.min_batch(kind):
                self.set_min_batch(kind, 1)
            self.set_max_few(kind, _MOST if few else 0)
        self.set_min_tokens(2)
        self.set_single(True)

    def remove(self) -> None:
        """Give all products back to ggml. Not while something is computed."""
        self._library.coblyn_kernels_remove()

    @property
    def is_installed(self) -> bool:
        """Whether products are taken over."""
        return bool(self._library.coblyn_kernels_is_installed())

    @property
    def instruction_set(self) -> str:
        """The instruction set in use, such as "AVX2"."""
        return str((self._library.coblyn_kernels_isa() or b"").decode())

    @property
    def num_taken(self) -> int:
        """Products and attentions that were taken over so far."""
        return int(self._library.coblyn_kernels_taken())

    def kinds(self, names: Iterable[str]) -> tuple[int, ...]:
        """Numbers (``ggml_type``) of those named types that are taken over, from whatever batch on."""
        if not self.is_installed:
            return ()
        wanted = set(names)
        found = (kind for kind in range(_NUM_TYPES) if self._name(kind) in wanted)
        return tuple(kind for kind in found if self.min_batch(kind))

    def min_batch(self, kind: int) -> int:
        """The smallest batch of a weight type (``ggml_type``) that is taken over; 0 if none is."""
        return int(self._library.coblyn_kernels_min_batch(kind))

    def set_min_batch(self, kind: int, batch: int) -> None:
        """Change it; 0 leaves the type to ggml. Not while something is computed."""
        self._library.coblyn_kernels_set_min_batch(kind, batch)

    def uses_tiles(self, kind: int) -> bool:
        """Whether batches of a weight type are multiplied with tiles (AMX), where there are some."""
        return bool(self._library.coblyn_kernels_uses_tiles(kind))

    def set_tiles(self, kind: int, may: bool) -> None:
        """Forbid or allow it. Not while something is computed."""
        self._library.coblyn_kernels_set_tiles(kind, may)

    def max_few(self, kind: int) -> int:
        """Up to how many rows of activations a product of a weight type is taken by code for few; 0 if none is."""
        return int(self._library.coblyn_kernels_max_few(kind))

    def set_max_few(self, kind: int, rows: int) -> None:
        """Change it, to 4 at most; 0 leaves such products to ``min_batch``. Not while something is computed."""
        self._library.coblyn_kernels_set_max_few(kind, rows)

    @property
    def min_tokens(self) -> int:
        """The fewest tokens of a sequence, of more than one in a step, whose attention is taken over; 0 for never."""
        return int(self._library.coblyn_kernels_min_tokens()) if self.is_installed else 0

    def set_min_tokens(self, tokens: int) -> None:
        """Change it; 0 leaves attention to ggml. Not while something is computed."""
        self._library.coblyn_kernels_set_min_tokens(tokens)

    @property
    def takes_single(self) -> bool:
        """Whether the attention of a single token is taken over, as in a decode step."""
        return self.is_installed and bool(self._library.coblyn_kernels_single())

    @property
    def takes_attention(self) -> bool:
        """Whether attention is taken over, of one token or of many."""
        return self.takes_single or self.min_tokens > 0

    def set_single(self, is_taken: bool) -> None:
        """Change it. Not while something is computed."""
        self._library.coblyn_kernels_set_single(is_taken)

    def _name(self, kind: int) -> str:
        return str((self._library.ggml_type_name(kind) or b"").decode())

    def find_batch(
        self, kind: int, rows: int, columns: int, *, threads: int, seconds: float
    ) -> int:
        """Measure from which batch on ours is faster for a weight matrix; 0 if it is not at 256.

        Not while something else is computed.

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

        Not while something else is computed.

        Args:
            kind: Type of the weights (``ggml_type``).
            rows: Outputs of the matrix.
            columns: Inputs of the matrix; a multiple of the type's block.
            threads: Threads of the CPU backend.
            seconds: How long it is measured, about.
        """
        return bool(self._library.coblyn_kernels_find_tiles(kind, rows, columns, threads, seconds))

    def find_few(self, kind: int, rows: int, columns: int, *, threads: int, seconds: float) -> int:
        """Measure up to how many rows of activations our code for few is faster, with weights that come from memory.

        Not while something else is computed. It needs 100 MB of memory.

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
        """Measure from how many tokens on our attention is faster; 0 if it is not with 256.

        Not while something else is computed.

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
        """How many times as fast as ggml's our attention is; 0 if it cannot be measured.

        Not while something else is computed.

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
        """How far half the turns of a comparison lay apart, as a part of their median.

        The widest of all comparisons since it was last asked; None if one was stopped, and says nothing.
        """
        spread = float(self._library.coblyn_kernels_take_spread())
        return spread if spread >= 0 else None

    @contextmanager
    def stoppable(self) -> Iterator[None]:
        """Let ``stop`` end measurements that are made in the block."""
        self._library.coblyn_kernels_watch(ctypes.addressof(self._stop))
        try:
            yield
        finally:
            self._library.coblyn_kernels_watch(None)

    def stop(self, wanted: bool) -> None:
        """Whether measurements in ``stoppable`` should end, now and until said otherwise. Any thread may call.

        They end within a turn of about a millisecond, or one product where that takes longer.
        """
        self._stop.value = wanted
