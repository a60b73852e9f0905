"""The CPU kernels in use for a model: set up when it is loaded, and tuned further while the engine is idle."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from coblyn import paths
from coblyn.llama.kernels import Kernels
from coblyn.tuning.tuning import (
    Question,
    Tuner,
    attention_questions,
    few_questions,
    product_questions,
    tile_questions,
)

if TYPE_CHECKING:
    from coblyn.engine.config import EngineConfig
    from coblyn.llama.context import ContextOptions
    from coblyn.llama.model import Model

__all__ = ["KernelsInUse"]

log = logging.getLogger(__name__)


class KernelsInUse:
    """The CPU kernels, where they make a model faster.

    Attributes:
        instruction_set: Their instruction set; empty if they are not in use.
    """

    def __init__(self, config: EngineConfig, model: Model, options: ContextOptions) -> None:
        self._kernels = Kernels(model.library)
        self._config = config
        self._model = model
        self._options = options
        self._tuner: Tuner | None = None
        self.instruction_set = ""

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Use the kernels within the block."""
        kernels, config = self._kernels, self._config
        with kernels.shared(self._set_up):
            kinds = kernels.kinds(self._model.weight_types)
            if kinds or kernels.takes_attention:
                self.instruction_set = kernels.instruction_set
                if not config.kernels:
                    log.warning(
                        "kernels stays on: another engine of this process set it, and computes"
                    )
            yield

    def rest(self) -> float | None:
        """Repeat measurements that were disturbed; see ``Runner.rest``."""
        return self._tuner.rest() if self._tuner else None

    def interrupt(self, wanted: bool) -> None:
        """Whether ``rest`` should end."""
        self._kernels.stop(wanted)

    def _set_up(self) -> None:
        if not self._config.kernels:
            self._kernels.remove()
        elif reason := self._kernels.install():
            log.debug("no matrix products of our own: %s", reason)
        else:
            memory = paths.tunings() / f"{self._config.bundle or 'unnamed'}.json"
            self._tuner = Tuner(self._kernels, tuple(self._questions()), memory)
            self._tuner.tune()

    def _questions(self) -> Iterator[Question]:
        kernels, model, options = self._kernels, self._model, self._options
        kinds = kernels.kinds(model.weight_types)
        yield from tile_questions(kernels, kinds, width=model.width, threads=options.threads)
        yield from product_questions(kernels, kinds, width=model.width, threads=options.threads)
        yield from few_questions(kernels, kinds, width=model.width, threads=options.threads)
        yield from attention_questions(
            kernels,
            options.cache_kind,
            model.heads,
            is_unified=options.is_unified,
            threads=options.threads,
        )
