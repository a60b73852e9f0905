"""Estimates a model's memory from its header, in a millisecond, rather too high than too low. Pure.

It avoids the exact measurement at an engine's start if memory is ample, and replaces it if the library cannot measure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from coblyn.engine.config import EngineConfig
from coblyn.fit.adapters import adapters_size
from coblyn.fit.media import kept_media, projector_size
from coblyn.fit.need import MAIN, Measured, Need
from coblyn.models.gguf import GgufHeader, Value

__all__ = ["SHARE_OF_MEMORY", "estimate"]

_BYTES = {"f16": 2.0, "bf16": 2.0, "q8_0": 34 / 32, "q5_1": 24 / 32, "q4_0": 18 / 32}
"""Bytes per value in the KV cache: a block's size divided by its number of values, from ggml-common.h."""

SHARE_OF_MEMORY = 16
"""Where each request's own cells would take more than this part of memory, engines share them (``engine/shape.py``)."""

_PROCESS = 96 * 2**20
"""Memory of an engine's process without a model, in bytes."""

_TOKEN = 160
"""Bytes per token in the library's vocabulary and ours."""

_ROWS = 24
"""Maximum number of rows of the model's width per token in the graph's buffers."""


def estimate(config: EngineConfig, headers: Sequence[GgufHeader], memory: int = 0) -> Measured:
    """Estimate a configuration's memory, all in main memory.

    Args:
        config: The configuration, with explicit numbers as ``ladder.wished`` makes them.
        headers: Headers of all files of the model.
        memory: Bytes of the machine's main memory: engines share cells where each request's own would take more than
            a part of it (``engine/shape.py``). 0 where each has its own whatever they take.
    """
    first = headers[0]
    weights = sum(tensor.size for header in headers for tensor in header.tensors)
    is_mapped = config.memory_map and not config.memory_lock
    width, vocabulary = _embedding_shape(headers)
    batch = min(max(config.batch, config.max_sequences + 1), config.context)
    graph = batch * 4 * (vocabulary + _ROWS * width) + batch * 4 * config.context
    need = Need(
        MAIN,
        weights=(0 if is_mapped else weights) + projector_size(config) + adapters_size(config),
        mapped=weights if is_mapped else 0,
        cache=_cache_size(config, first, memory),
        compute=graph + 4 * config.max_sequences * vocabulary,
        kept=config.cache_memory * 2**20 + kept_media(config),
        process=_PROCESS + _TOKEN * vocabulary,
    )
    return Measured((need,), config.context, is_estimate=True)


def _embedding_shape(headers: Sequence[GgufHeader]) -> tuple[int, int]:
    """Length of a token's embedding, and number of tokens in the vocabulary."""
    tensors = (tensor for header in headers for tensor in header.tensors)
    shape = next((each.shape for each in tensors if each.name == "token_embd.weight"), ())
    return (shape[0], shape[1]) if len(shape) == 2 else (0, 0)


def _cache_size(config: EngineConfig, header: GgufHeader, memory: int) -> int:
    """Size of the cache as if all layers attended to the whole context, plus the recurrent state if there is one."""
    cells = math.ceil(config.context / 256) * 256
    values = cells * _cell_values(header) * header.block_count
    shared = int(values * _BYTES[config.cache_type])
    own = shared * config.own_sequences
    if config.shared_cells is None and memory:
        # They are shared, or what is exactly needed is less than the limit.
        size = max(shared, min(own, memory // SHARE_OF_MEMORY))
    else:
        size = shared if config.shared_cells else own
    state = 4 * _state_values(header) * header.block_count * (config.max_sequences + 1)
    return size + state


def _cell_values(header: GgufHeader) -> int:
    """Number of values per token in a layer's cache; a model with a state but no heads has no attention."""
    if _state_values(header) and not _number(header, "attention.head_count"):
        return 0
    heads = max(_number(header, "attention.head_count"), 1)
    key_heads = _number(header, "attention.head_count_kv") or heads
    length = _number(header, "embedding_length") // heads
    keys = _number(header, "attention.key_length") or length
    values = _number(header, "attention.value_length") or length
    return key_heads * (keys + values)


def _state_values(header: GgufHeader) -> int:
    """Number of values per sequence in a layer's recurrent state."""
    inner = _number(header, "ssm.inner_size")
    groups = max(_number(header, "ssm.group_count"), 1)
    state, taps = _number(header, "ssm.state_size"), _number(header, "ssm.conv_kernel")
    head = _number(header, "wkv.head_size")
    width = _number(header, "embedding_length")
    return inner * state + taps * (inner + 2 * groups * state) + width * (head + 2 * bool(head))


def _number(header: GgufHeader, key: str) -> int:
    """A number of the architecture; 0 where there is none, or a list of one for each layer, or it is damaged."""
    value: Value = header.metadata.get(f"{header.architecture}.{key}", 0)
    return int(value) if isinstance(value, int | float) and math.isfinite(value) else 0
