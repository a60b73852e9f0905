"""What a generation would cost before it is asked for: tokens to read, and seconds by what was measured here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from coblyn.engine.events import Stats
from coblyn.engine.stage_view import StageView
from coblyn.service.command import GenerateCommand
from coblyn.service.hub import Hub, Record
from coblyn.service.models import Models

__all__ = ["Outlook", "Planner", "measured"]

_ENOUGH = 32
"""Tokens from which on the time that they took is a measurement."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Tokens a second, as the last generations measured them; None while none was long enough."""

    reading: float | None
    writing: float | None


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a generation would find.

    Attributes:
        model: Name of the model.
        tokens: Of the prompt.
        cached: Of them, those that are in memory.
        cut: Tokens at the beginning of the text that have no room.
        max_tokens: Maximum number of tokens that would be written.
        context: Tokens of prompt and completion that fit.
        seconds: Until the first token; None while the speed of reading is not known.
        rates: By which that was computed.
        waiting: Requests that would come first.
    """

    model: str
    tokens: int
    cached: int
    cut: int
    max_tokens: int
    context: int
    seconds: float | None
    rates: Rates
    waiting: int


class Planner:
    """Foresees generations, and starts none.

    Args:
        models: What would generate.
        hub: What generations measured.
    """

    def __init__(self, models: Models, hub: Hub) -> None:
        self._models = models
        self._hub = hub

    async def foresee(self, command: GenerateCommand) -> Outlook:
        """What a command would cost now.

        Raises:
            BadRequest: Something in the command is wrong.
            UnknownModel: It names a model that is not here.
            PromptTooLong: The prompt does not fit.
        """
        async with self._models.acquire(command.model) as model:
            fitted = await model.fit(command)
            encoded = fitted.encoded
            cached = min(await model.engine.foresee(encoded.id), encoded.num_tokens)
            rates = measured(self._hub.finished_of(model.name))
            return Outlook(
                model=model.name,
                tokens=encoded.num_tokens,
                cached=cached,
                cut=encoded.num_cut,
                max_tokens=fitted.max_tokens,
                context=model.engine.info.context,
                seconds=_seconds(encoded.num_tokens - cached, rates.reading),
                rates=rates,
                waiting=model.engine.status().num_waiting,
            )

    async def look(self, command: GenerateCommand, max_count: int) -> list[StageView]:
        """What the first token of a generation could be, after each sampler; nothing where its prompt was not read.

        Raises:
            CoblynError: As ``foresee`` has it, or nothing is left to choose.
        """
        async with self._models.acquire(command.model) as model:
            fitted = await model.prompts.fit(command)
            return await model.engine.look(fitted.encoded.id, command.sampling, max_count)


def measured(newest_first: Iterable[Record]) -> Rates:
    """The speeds of the newest generations that were long enough to tell."""
    stats = [record.finish.stats for record in newest_first if record.finish]
    return Rates(_first(map(_reading, stats)), _first(map(_writing, stats)))


def _reading(stats: Stats) -> float | None:
    return _rate(stats.prompt_tokens - stats.cached_tokens, stats.prefill_seconds)


def _writing(stats: Stats) -> float | None:
    # The first token comes out of the prompt's own step.
    return _rate(stats.completion_tokens - 1, stats.decode_seconds)


def _rate(tokens: int, seconds: float) -> float | None:
    return tokens / seconds if tokens >= _ENOUGH and seconds > 0 else None


def _first(rates: Iterable[float | None]) -> float | None:
    return next((rate for rate in rates if rate is not None), None)


def _seconds(tokens: int, rate: float | None) -> float | None:
    if tokens == 0:
        return 0.0
    return tokens / rate if rate else None
