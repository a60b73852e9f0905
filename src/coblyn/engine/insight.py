"""Candidates for the next token after each sampler of a chain, to show the effect of settings on one prompt."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from coblyn.engine.config import EngineConfig
from coblyn.engine.params import SamplingParams
from coblyn.engine.prompt import Prompt
from coblyn.engine.request import Request
from coblyn.engine.samplers import Samplers
from coblyn.engine.stage_view import StageView
from coblyn.engine.views import views_of
from coblyn.engine.vocab import ModelVocab
from coblyn.errors import BadRequest
from coblyn.llama.context import Batch, Context, ContextOptions
from coblyn.llama.cores import usable_cores
from coblyn.llama.library import open_library
from coblyn.llama.model import Model
from coblyn.llama.sampler import Draw, Sampler
from coblyn.llama.steps import Steps

__all__ = ["Insight"]

Logits = NDArray[np.float32]

_BATCH = 512


class Insight:
    """A model whose candidates are inspected. Close it, or use it in a ``with`` block.

    Args:
        config: The model and its settings.

    Attributes:
        chat_template: Jinja text of the model's own chat template, or empty.
        bos, eos: Text of these tokens, or empty.

    Raises:
        CoblynError: The library, the model or the context cannot be loaded.
    """

    def __init__(self, config: EngineConfig) -> None:
        with ExitStack() as stack:
            library = open_library(Path(config.library))
            model = stack.enter_context(
                Model(library, Path(config.model), gpu_layers=config.gpu_layers)
            )
            model.require_decoder()
            length = config.context or min(
                model.context_train or config.max_context, config.max_context
            )
            options = ContextOptions(length, _BATCH, 1, config.threads or usable_cores())
            self._context = stack.enter_context(Context(model, options))
            self._stack = stack.pop_all()
        self._model, self._vocab = model, ModelVocab(model)
        self._samplers = Samplers(library, self._vocab, model.vocab_size)
        self.chat_template = model.chat_template
        self.bos, self.eos = (
            model.piece(token, special=True).decode(errors="replace") if token >= 0 else ""
            for token in (model.bos, model.eos)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the model."""
        self._stack.close()

    def look(
        self, text: str, params: SamplingParams, max_count: int, *, negative: str = ""
    ) -> list[StageView]:
        """The candidates for the token after a text: the model's own, then those that each sampler leaves.

        Args:
            text: The prompt.
            params: Selects the samplers and their order.
            max_count: Maximum number of candidates listed per stage.
            negative: The negative prompt, if guidance is on; empty for an empty one.

        Raises:
            BadRequest: The text is empty or too long, or no candidate is left.
        """
        ids = self._ids(text, "prompt")
        request = Request("look", Prompt.of(ids), 1, params)
        with self._samplers.make(request, ids) as sampler:
            logits = self._logits(ids, sampler)
            views = views_of(sampler, logits, params, self._vocab, max_count)
            if params.is_guided:
                away = self._logits(self._ids(negative, "negative_prompt"), sampler)
                logits = self._samplers.guided(logits, away, params.guidance_scale)
                first, *rest = views_of(sampler, logits, params, self._vocab, max_count)
                scale = {"guidance_scale": params.guidance_scale}
                views = [views[0], replace(first, name="guidance", values=scale), *rest]
        return views

    def _ids(self, text: str, field: str) -> list[int]:
        ids = self._vocab.tokenize(text or self.bos, add_special=bool(text), parse_special=True)
        if not 0 < len(ids) < self._context.length:
            raise BadRequest(
                f"The {field} has {len(ids)} tokens; it must have between 1 and {self._context.length - 1}.",
                field=field,
            )
        return ids

    def _logits(self, ids: Sequence[int], sampler: Sampler) -> Logits:
        batch, logits = Batch(_BATCH), np.empty(self._model.vocab_size, np.float32)
        steps = Steps(self._context, batch, 1)
        self._context.remove(0, 0)
        for start in range(0, len(ids), _BATCH):
            part = ids[start : start + _BATCH]
            batch.fill(0, part, start, 0, output=True)
            steps.run(len(part), [Draw(sampler, output=len(part) - 1, max_drawn=0, keep=logits)])
        return logits
