"""The ladder of configurations, each of which gives up a little more and takes less memory. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from coblyn.engine.config import EngineConfig

__all__ = ["Facts", "changed", "ladder", "wished", "with_value"]

_CACHE_MEMORY = (1024, 512, 256, 0)
_BATCH = (256, 128, 64)
_CELLS = 256
_CHEAP = "q8_0"
"""A cache type of half the size, without measured loss of quality."""

_MOST_STEPS = 64
"""Maximum number of steps per setting; with more layers, several change at a time."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts about a model and a machine that determine what can be given up.

    Attributes:
        num_layers: Number of layers of the model, without the output layer.
        context: Default context length in tokens.
        trained: Context length it was trained with, in tokens; 0 if unknown.
        has_experts: Whether it is a mixture of experts.
        has_accelerator: Whether there is a device besides the CPU.
        has_heads: Whether it has prediction heads that can be used.
    """

    num_layers: int
    context: int
    trained: int = 0
    has_experts: bool = False
    has_accelerator: bool = False
    has_heads: bool = False


def wished(config: EngineConfig, facts: Facts) -> EngineConfig:
    """A configuration with explicit numbers in place of those that mean "all" or "the model's default"."""
    layers = facts.num_layers + 1
    return replace(
        config,
        context=config.context or facts.context,
        gpu_layers=layers if config.gpu_layers < 0 else min(config.gpu_layers, layers),
        cpu_experts=facts.num_layers if config.cpu_experts < 0 else config.cpu_experts,
    )


def ladder(
    config: EngineConfig, facts: Facts, *, kept: frozenset[str] = frozenset()
) -> tuple[EngineConfig, ...]:
    """The configurations in the order in which they are tried, the requested one first.

    Each setting is reduced to its minimum before the next one, in the order of ``config.give_up``.

    Args:
        config: What is wished; its numbers are plain, as ``wished`` makes them.
        facts: Of the model and the machine.
        kept: Settings that are not touched.
    """
    rungs = [config]
    for knob in config.give_up:
        if knob not in kept:
            rungs += [with_value(rungs[-1], knob, value) for value in _less(config, knob, facts)]
    return tuple(dict.fromkeys(rungs))


def with_value(config: EngineConfig, knob: str, value: Any) -> EngineConfig:
    """A configuration with another value; the number of idle sequences follows that of running requests."""
    values = {knob: value} | ({"num_idle": value} if knob == "max_running" else {})
    return replace(config, **values)


def changed(before: EngineConfig, after: EngineConfig) -> Mapping[str, tuple[Any, Any]]:
    """What was given up: old and new value by setting, in order."""
    pairs = {knob: (getattr(before, knob), getattr(after, knob)) for knob in before.give_up}
    return {knob: pair for knob, pair in pairs.items() if pair[0] != pair[1]}


def _less(config: EngineConfig, knob: str, facts: Facts) -> Sequence[Any]:
    """Smaller values of a setting, largest first."""
    return tuple(_KNOBS[knob](config, facts))


def _cache_memory(config: EngineConfig, facts: Facts) -> Iterator[int]:  # noqa: ARG001
    return (size for size in _CACHE_MEMORY if size < config.cache_memory)


def _draft_heads(config: EngineConfig, facts: Facts) -> Iterator[bool]:
    if config.wants_heads and facts.has_heads:
        yield False


def _shared_cells(config: EngineConfig, facts: Facts) -> Iterator[bool]:  # noqa: ARG001
    if config.shared_cells is None or not config.shared_cells:
        yield True


def _max_running(config: EngineConfig, facts: Facts) -> Iterator[int]:  # noqa: ARG001
    number = config.max_running
    while number > 1:
        number //= 2
        yield number


def _batch(config: EngineConfig, facts: Facts) -> Iterator[int]:  # noqa: ARG001
    return (size for size in _BATCH if size < config.batch)


def _cache_type(config: EngineConfig, facts: Facts) -> Iterator[str]:  # noqa: ARG001
    # Quantized V needs flash attention.
    if config.cache_type in ("f16", "bf16") and config.flash_attention is not False:
        yield _CHEAP


def _context(config: EngineConfig, facts: Facts) -> Iterator[int]:  # noqa: ARG001
    """Three quarters of a power of two, and a power of two, in turn."""
    length, least = config.context, max(config.min_context, _CELLS)
    while length > least:
        below = 1 << (length - 1).bit_length() - 1
        length = max(least, below * 3 // 2 if below * 3 // 2 < length else below)
        yield length


def _cpu_experts(config: EngineConfig, facts: Facts) -> Iterator[int]:
    if facts.has_experts and facts.has_accelerator:
        first, last = config.cpu_experts, facts.num_layers
        yield from range(first + _stride(last - first), last, _stride(last - first))
        if first < last:
            yield last


def _gpu_layers(config: EngineConfig, facts: Facts) -> Iterator[int]:
    if facts.has_accelerator:
        stride = _stride(config.gpu_layers)
        yield from range(config.gpu_layers - stride, 0, -stride)
        if config.gpu_layers > 0:
            yield 0


def _stride(count: int) -> int:
    return max(1, -(-count // _MOST_STEPS))


_KNOBS: dict[str, Callable[[EngineConfig, Facts], Iterator[Any]]] = {
    "cache_memory": _cache_memory,
    "draft_heads": _draft_heads,
    "shared_cells": _shared_cells,
    "max_running": _max_running,
    "batch": _batch,
    "cache_type": _cache_type,
    "context": _context,
    "cpu_experts": _cpu_experts,
    "gpu_layers": _gpu_layers,
}
