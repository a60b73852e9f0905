"""Measures the memory of configurations with the library, which plans all buffers without allocating them."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psutil

from coblyn.engine.config import EngineConfig
from coblyn.engine.eagle import eagle_of, open_eagle
from coblyn.engine.shape import context_options, embedding_options, open_model, uses_heads
from coblyn.fit.adapters import adapters_size
from coblyn.fit.media import kept_media, projector_size
from coblyn.fit.need import MAIN, Measured, Need, Space
from coblyn.llama import devices
from coblyn.llama.context import Context, ContextOptions
from coblyn.llama.heads import HeadContext
from coblyn.llama.library import Library
from coblyn.llama.memory_use import MemoryUse, memory_uses
from coblyn.llama.model import Model

__all__ = ["Gauge", "accelerators"]

_ENGINE = 9 * 2**20
"""Memory of the engine's process beyond that of this one, for Python modules; measured by ``bench/fit.py``."""

_STATES = 5
"""Rows per token of a batch that hold states: of both contexts, of two steps, and of the heads' batch."""

_SHARED = ("igpu",)
_SHARED_BACKENDS = ("MTL", "Metal")


def accelerators(library: Library) -> tuple[Space, ...]:
    """Memory of devices that can hold layers: Metal reports its working set, others their free memory."""
    found = []
    for device in devices.devices(library):
        if device.is_accelerator:
            memory = devices.memory(library, device.name)
            is_shared = device.kind in _SHARED or device.backend in _SHARED_BACKENDS
            found.append(
                Space(device.name, memory.free, memory.total, device.description, is_shared)
            )
    return tuple(found)


class Gauge:
    """Measures configurations of one model, one after the other.

    It keeps the last model, since most questions differ only in the context. Free it with ``close``.

    Args:
        library: The opened bundle.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self._model: Model | None = None
        self._loaded: tuple[int, int, bool] | None = None
        self._draft: Model | None = None

    def measure(self, config: EngineConfig) -> Measured:
        """The memory of a configuration.

        Raises:
            CoblynError: The library refuses it.
        """
        model = self._model_for(config)
        options = embedding_options(config) if config.embeds else context_options(config, model)
        with Context(model, options) as context:
            uses, length = memory_uses(context), context.length
            process = int(psutil.Process().memory_info().rss) + _ENGINE
            uses += self._guessing_uses(config, context, options)
        measured = _measured(config, uses, length, process)
        return replace(measured, shares_cells=options.is_unified)

    def close(self) -> None:
        """Free the models."""
        for model in (self._model, self._draft):
            if model:
                model.close()
        self._model = self._draft = None

    def _model_for(self, config: EngineConfig) -> Model:
        loaded = (config.gpu_layers, config.cpu_experts, uses_heads(config))
        if self._model is None or loaded != self._loaded:
            self.close()
            self._model = open_model(config, self._library, is_measured=True)
            self._loaded = loaded
        return self._model

    def _guessing_uses(
        self, config: EngineConfig, context: Context, options: ContextOptions
    ) -> tuple[MemoryUse, ...]:
        """What guesses tokens: an EAGLE-3 head, a draft model, or the model's own heads."""
        if eagle := eagle_of(config):
            with open_eagle(config, eagle, context, options, is_measured=True) as heads:
                return (*memory_uses(heads), _states(heads, options))
        if config.draft_model and config.speculation and not config.embeds:
            return self._draft_uses(config, options)
        if uses_heads(config):
            with HeadContext(context.model, options) as heads:
                # Their weights are the model's.
                found = [replace(use, weights=0, mappable=0) for use in memory_uses(heads)]
                return (*found, _states(heads, options))
        return ()

    def _draft_uses(self, config: EngineConfig, options: ContextOptions) -> tuple[MemoryUse, ...]:
        if self._draft is None:
            path = Path(config.draft_model)
            self._draft = Model(self._library, path, gpu_layers=config.gpu_layers, is_measured=True)
        shape = replace(options, max_sequences=config.max_running, is_unified=False)
        with closing(Context(self._draft, shape)) as context:
            return memory_uses(context)


def _states(heads: HeadContext, options: ContextOptions) -> MemoryUse:
    """The states of tokens that prediction heads guess from."""
    return MemoryUse(MAIN, output=4 * _STATES * options.max_batch * heads.given_width)


def _measured(
    config: EngineConfig, uses: tuple[MemoryUse, ...], length: int, process: int
) -> Measured:
    is_mapped = config.memory_map and not config.memory_lock
    kept = kept_media(config) + (0 if config.embeds else config.cache_memory * 2**20)
    needs: dict[str, Need] = {}
    for use in (MemoryUse(MAIN), *uses):
        need = needs.get(use.device) or Need(use.device)
        needs[use.device] = replace(
            need,
            weights=need.weights + use.weights + use.mappable * (not is_mapped),
            mapped=need.mapped + use.mappable * is_mapped,
            cache=need.cache + use.cache,
            compute=need.compute + use.compute + use.output,
        )
    needs[MAIN] = replace(needs[MAIN], kept=kept, process=process)
    # The library puts a projector on the first accelerator, if there is one that the model uses.
    place = next((name for name in needs if name != MAIN), MAIN)
    beside = projector_size(config) + adapters_size(config)
    needs[place] = replace(needs[place], weights=needs[place].weights + beside)
    return Measured(tuple(needs.values()), length)
