"""Our own matrix products and attention beside a model: set up for it, and set up better while the engine rests."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from coblyn import paths
from coblyn.llama.accel import Accelerator
from coblyn.tuning.tuning import (
    Question,
    Tuner,
    attention_questions,
    few_questions,
    product_questions,
)

if TYPE_CHECKING:
    from coblyn.engine.config import EngineConfig
    from coblyn.llama.context import ContextOptions
    from coblyn.llama.model import Model

__all__ = ["Acceleration"]

log = logging.getLogger(__name__)


class Acceleration:
    """Our own matrix products and attention, as far as they help a model on the CPU.

    Attributes:
        instruction_set: Theirs; empty if they do not help.
    """

    def __init__(self, config: EngineConfig, model: Model, options: ContextOptions) -> None:
        self._accelerator = Accelerator(model.library)
        self._config = config
        self._model = model
        self._options = options
        self._tuner: Tuner | None = None
        self.instruction_set = ""

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Let them help in the block."""
        accelerator, config = self._accelerator, self._config
        with accelerator.shared(self._set_up):
            kinds = accelerator.kinds(self._model.weight_types)
            if kinds or accelerator.takes_attention:
                self.instruction_set = accelerator.instruction_set
                if not config.accel:
                    log.warning(
                        "accel stays on: another engine of this process set it, and computes"
                    )
            yield

    def rest(self) -> float | None:
        """See ``Runner.rest``: measurements that were disturbed are made again."""
        return self._tuner.rest() if self._tuner else None

    def interrupt(self, wanted: bool) -> None:
        """Whether ``rest`` shall end."""
        self._accelerator.stop(wanted)

    def _set_up(self) -> None:
        if not self._config.accel:
            self._accelerator.remove()
        elif reason := self._accelerator.install():
            log.debug("no matrix products of our own: %s", reason)
        else:
            memory = paths.tunings() / f"{self._config.bundle or 'unnamed'}.json"
            self._tuner = Tuner(self._accelerator, tuple(self._questions()), memory)
            self._tuner.tune()

    def _questions(self) -> Iterator[Question]:
        accelerator, model, options = self._accelerator, self._model, self._options
        kinds = accelerator.kinds(model.weight_types)
        yield from product_questions(accelerator, kinds, width=model.width, threads=options.threads)
        yield from few_questions(accelerator, kinds, width=model.width, threads=options.threads)
        yield from attention_questions(
            accelerator,
            options.cache_kind,
            model.heads,
            is_unified=options.is_unified,
            threads=options.threads,
        )
