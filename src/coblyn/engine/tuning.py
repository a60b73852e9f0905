"""From which batch on Coblyn's own products and attention are faster than ggml's, here: measured once, and kept.

What wins depends on the processor, on types and shapes and on how many tokens are computed together, and is not to be
guessed: ggml's code for a type may be as good on one machine and half as fast on the next.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from coblyn.llama.model import Heads

__all__ = ["Measures", "tune", "tune_attention"]

log = logging.getLogger(__name__)

_SECONDS = 0.01
_BLOCK = 256
_MAX_ROWS = 2048
_CELLS = 512
_LARGEST = 256  # that the library measures
_FEWEST_TOKENS = 4
_MARGIN = 1.05  # a tie goes to ggml


class Measures(Protocol):
    """What can be tuned: `coblyn.llama.accel.Accelerator`."""

    @property
    def instruction_set(self) -> str:
        """The instruction set in use."""
        ...

    def find_batch(
        self, kind: int, rows: int, columns: int, *, threads: int, seconds: float
    ) -> int:
        """The smallest batch from which on it is faster; 0 if it is not."""
        ...

    def min_batch(self, kind: int) -> int:
        """From which batch on it takes products of a type over now; 0 for never."""
        ...

    def set_min_batch(self, kind: int, batch: int) -> None:
        """From which batch on it takes products of weights of a type over; 0 for never."""
        ...

    def find_tokens(
        self, kind: int, heads: Heads, *, cells: int, threads: int, seconds: float
    ) -> int:
        """The fewest tokens from which on its attention is faster; 0 if it is not."""
        ...

    def measure_attention(
        self, kind: int, heads: Heads, *, cells: int, tokens: int, threads: int, seconds: float
    ) -> float:
        """How many times as fast its attention is; 0 if that can not be measured."""
        ...

    def set_single(self, is_taken: bool) -> None:
        """Whether it takes attention of a single token over."""
        ...

    @property
    def min_tokens(self) -> int:
        """From how many tokens on it takes attention over now; 0 for never."""
        ...

    def set_min_tokens(self, tokens: int) -> None:
        """From how many tokens on it takes attention over; 0 for never."""
        ...


def tune(
    accelerator: Measures, kinds: Sequence[int], *, width: int, threads: int, memory: Path
) -> dict[int, int]:
    """Choose the batch for each type of weights; what was measured before is not measured again.

    It takes some tenths of a second the first time, up to three for wide models.

    Args:
        accelerator: What is tuned.
        kinds: Types of weights (``ggml_type``) that a model has.
        width: Inputs of a typical matrix of the model.
        threads: Threads that compute.
        memory: File with what was measured; made if it is not there. One that can not be read or written costs time
            and nothing else.

    Returns:
        The smallest batch of each type, 0 where ggml's code stays.
    """
    known = _read(memory)
    columns = -(-width // _BLOCK) * _BLOCK
    rows = min(4 * columns, _MAX_ROWS)
    chosen: dict[int, int] = {}
    measured: dict[str, int] = {}
    for kind in kinds:
        # A short measurement has its weights in the caches, where a model has not: below the library's own choice,
        # what it finds is not to be trusted (Q8_0 with eight streams: 1.05 measured, 0.93 in the model).
        floor = accelerator.min_batch(kind)
        if not floor:
            continue
        key = f"{accelerator.instruction_set}, {threads} threads, type {kind}, {rows} x {columns}"
        if key not in known:
            known[key] = measured[key] = accelerator.find_batch(
                kind, rows, columns, threads=threads, seconds=_SECONDS
            )
            log.debug("measured: %s: from a batch of %d on", key, known[key])
        chosen[kind] = max(known[key], floor) if known[key] else 0
        accelerator.set_min_batch(kind, chosen[kind])
    if measured:
        _write(memory, measured)
    return chosen


def tune_attention(
    accelerator: Measures, kind: int, heads: Heads, *, is_unified: bool, threads: int, memory: Path
) -> tuple[int, bool]:
    """Choose from how many tokens of a step on attention is taken over; what was measured is not measured again.

    Args:
        accelerator: What is tuned.
        kind: Type of the KV cache (``ggml_type``).
        heads: Shape of the model's attention.
        is_unified: Sequences share cells. Tokens of different sequences then see little of them, and ggml's code for
            few tokens skips what they do not see: below the library's own choice it stays.
        threads: Threads that compute.
        memory: As for ``tune``.

    Returns:
        The number of tokens, of more than one, 0 where ggml's code stays; and whether a single token's is taken over.
    """
    own = accelerator.min_tokens
    if not own:
        return 0, False
    shape = f"{heads.length} x {heads.count}/{heads.key_count}"
    key = f"{accelerator.instruction_set}, {threads} threads, attention {kind}, {shape}"
    known = _read(memory)
    if key not in known or f"{key}, single" not in known:
        single = accelerator.measure_attention(
            kind, heads, cells=_CELLS, tokens=1, threads=threads, seconds=_SECONDS
        )
        measured = {
            key: accelerator.find_tokens(
                kind, heads, cells=_CELLS, threads=threads, seconds=_SECONDS
            ),
            f"{key}, single": int(single >= _MARGIN),
        }
        log.debug("measured: %s: from %d tokens on; a single one %.2f", key, measured[key], single)
        _write(memory, measured)
        known |= measured
    floor = own if is_unified else _FEWEST_TOKENS
    chosen = max(known[key], floor) if known[key] else 0
    takes_single = bool(known[f"{key}, single"])
    accelerator.set_min_tokens(chosen)
    accelerator.set_single(takes_single)
    return chosen, takes_single


def _read(memory: Path) -> dict[str, int]:
    try:
        known = json.loads(memory.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(known, dict):
        return {}
    return {str(key): batch for key, batch in known.items() if _is_measured(batch)}


def _is_measured(batch: object) -> bool:
    return type(batch) is int and 0 <= batch <= _LARGEST


def _write(memory: Path, measured: dict[str, int]) -> None:
    known = _read(memory) | measured  # other processes measure too
    temporary = memory.with_name(f"{memory.name}.{os.getpid()}")
    try:
        memory.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(known, indent=1), "utf-8")
        temporary.replace(memory)
    except OSError as error:
        log.debug("what was measured can not be kept: %s", error)
        with suppress(OSError):  # a full disk keeps the empty file
            temporary.unlink()
