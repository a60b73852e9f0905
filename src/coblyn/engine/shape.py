"""Opens the model of a configuration, and derives the shape of its context."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import psutil

from coblyn.engine.config import EngineConfig
from coblyn.engine.prompt import Namespace
from coblyn.engine.texts import BATCH, MAX_TEXTS
from coblyn.engine.window import NO_WINDOW, Window
from coblyn.errors import ModelUnsupported, SettingsError
from coblyn.llama import devices
from coblyn.llama.context import ContextOptions, cache_kind
from coblyn.llama.cores import usable_cores
from coblyn.llama.library import Library
from coblyn.llama.model import Model
from coblyn.models.heads import EAGLE, find_heads, kind_of_other_heads
from coblyn.models.overrides import read_overrides
from coblyn.settings.template import read_template

__all__ = [
    "context_options",
    "embedding_options",
    "namespace_of",
    "open_model",
    "uses_heads",
    "window_of",
]

_CELLS = 256
"""The library rounds context lengths up to a multiple of this."""

_SMALLEST = 64

_SHARE_OF_MEMORY = 16
"""Fraction of the machine's memory that KV memory with separate cells per request may take by default."""


def open_model(
    config: EngineConfig,
    library: Library,
    *,
    is_measured: bool = False,
    advance: Callable[[float], bool] | None = None,
) -> Model:
    """Load the model of a configuration; with ``is_measured``, without its weights.

    Raises:
        SettingsError: The corrections beside the file, or the chat template, cannot be read.
        ModelError: It cannot be loaded.
        Cancelled: ``advance`` returned False.
    """
    path = Path(config.model)
    if kind := kind_of_other_heads(path):
        raise ModelUnsupported(
            f"{path.name} is not a model of its own but heads of another one ({kind}).",
            hint="Choose the model that they belong to"
            + (", and name this file beside it as its draft_model." if kind == EAGLE else "."),
        )
    overrides = read_overrides(path)
    return Model(
        library,
        path,
        metadata=overrides.metadata,
        chat_template=read_template(config.chat_template) or overrides.chat_template,
        gpu_layers=config.gpu_layers,
        memory_map=config.memory_map,
        memory_lock=config.memory_lock,
        cpu_experts=config.cpu_experts,
        has_heads=uses_heads(config),
        is_measured=is_measured,
        advance=advance,
    )


def uses_heads(config: EngineConfig) -> bool:
    """Whether the model's file has prediction heads that can be used, and they are wanted."""
    heads = find_heads(Path(config.model)) if config.wants_heads else None
    return heads is not None and heads.are_usable


def namespace_of(config: EngineConfig, model: Model, projector: str = "") -> Namespace:
    """All that the KV numbers depend on besides a request's adapters: weights, position encoding, types and code."""
    return Namespace(
        (
            ("model", f"{model.path.name} {model.size}"),
            ("bundle", config.bundle),
            ("cache_type", config.cache_type),
            ("flash_attention", str(config.flash_attention)),
            ("projector", projector),
        )
    )


def window_of(model: Model) -> Window:
    """The window that the cache has to track; models that cannot be rewound are only reused whole, and need none."""
    if not model.is_rewindable:
        return NO_WINDOW
    return Window(model.window_size, model.has_chunked_window)


def context_options(config: EngineConfig, model: Model) -> ContextOptions:
    """The context options of a configuration, with defaults that fit the model and the machine.

    Raises:
        SettingsError: It is too small.
    """
    trained = model.context_train or config.max_context
    context = config.context or min(trained, config.max_context)
    if context < _SMALLEST:
        raise SettingsError(f"A context of {context} tokens is too small to be of use.")
    length = math.ceil(context / _CELLS) * _CELLS
    is_unified = _shares_cells(config, model, length)
    return ContextOptions(
        length=length,
        is_unified=is_unified,
        # The library aborts if there are more sequences than tokens per batch.
        max_batch=max(min(config.batch, context), config.max_sequences + 1),
        # With separate cells, each idle sequence would cost a whole context, so they go to main memory.
        max_sequences=config.max_sequences if is_unified else config.own_sequences,
        threads=config.threads or usable_cores(),
        flash_attention=config.flash_attention,
        cache_type=config.cache_type,
    )


def embedding_options(config: EngineConfig) -> ContextOptions:
    """Context options for a model that only embeds; the context grows with the longest text."""
    return ContextOptions(
        BATCH,
        BATCH,
        MAX_TEXTS,
        config.threads or usable_cores(),
        flash_attention=config.flash_attention,
    )


def _shares_cells(config: EngineConfig, model: Model, length: int) -> bool:
    """Whether all sequences share one run of cells.

    A CPU visits all shared cells one by one, so separate cells per request are faster if memory allows. GPUs skip
    masked cells, and their memory is scarce.
    """
    if config.shared_cells is not None:
        return config.shared_cells
    kinds = {device.kind for device in devices.devices(model.library)}
    has_gpu = bool(kinds & {"gpu", "igpu"}) and config.gpu_layers != 0
    cell_size = model.cell_size(cache_kind(config.cache_type))
    needed = cell_size * length * config.own_sequences
    return has_gpu or needed > psutil.virtual_memory().total // _SHARE_OF_MEMORY
