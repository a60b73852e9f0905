"""Predicts the cost of a generation: tokens to prefill, and seconds according to recent measurements."""

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
"""Minimum number of tokens for a speed measurement."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Tokens per second in the latest generations; None while none was long enough."""

    reading: float | None
    writing: float | None


@dataclass(frozen=True, slots=True)
class Outlook:
    """The predicted cost of a generation.

    Attributes:
        model: Name of the model.
        tokens: Number of tokens of the prompt.
        cached: Number of those already in memory.
        cut: Number of tokens at the beginning of the text that do not fit.
        max_tokens: Maximum number of tokens to generate.
        context: Context length, in tokens of prompt and completion.
        seconds: Seconds until the first token; None while the prefill speed is not known.
        rates: The speeds used for that.
        waiting: Number of requests ahead in the queue.
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
    """Predicts generations without starting them.

    Args:
        models: The loaded models.
        hub: Holds the measurements of recent generations.
    """

    def __init__(self, models: Models, hub: Hub) -> None:
        self._models = models
        self._hub = hub

    async def foresee(self, command: GenerateCommand) -> Outlook:
        """Predict the cost of a command now.

        Raises:
            BadRequest: The command is invalid.
            UnknownModel: There is no model of that name.
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
        """Candidates for the first token, after each sampler; nothing if the prompt was not computed.

        Raises:
            CoblynError: See ``foresee``; or no candidate is left.
        """
        async with self._models.acquire(command.model) as model:
            fitted = await model.prompts.fit(command)
            return await model.engine.look(fitted.encoded.id, command.sampling, max_count)


def measured(newest_first: Iterable[Record]) -> Rates:
    """The speeds of the newest generations that were long enough to measure."""
    stats = [record.finish.stats for record in newest_first if record.finish]
    return Rates(_first(map(_reading, stats)), _first(map(_writing, stats)))


def _reading(stats: Stats) -> float | None:
    return _rate(stats.num_prompt - stats.num_cached, stats.prefill_seconds)


def _writing(stats: Stats) -> float | None:
    # The first token is drawn in the prompt's last step.
    return _rate(stats.num_generated - 1, stats.decode_seconds)


def _rate(tokens: int, seconds: float) -> float | None:
    return tokens / seconds if tokens >= _ENOUGH and seconds > 0 else None


def _first(rates: Iterable[float | None]) -> float | None:
    return next((rate for rate in rates if rate is not None), None)


def _seconds(tokens: int, rate: float | None) -> float | None:
    if tokens == 0:
        return 0.0
    return tokens / rate if rate else None
