"""One answer with all its choices, whole or as a stream: the same for every kind of completion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from starlette.responses import JSONResponse, Response

from coblyn.api.later import Warnings, warning_headers
from coblyn.api.openai.shape import Answer, usage
from coblyn.api.openai.stream import Chunks, frames
from coblyn.api.openai.wire import SamplingInput
from coblyn.api.stream import EventStream, while_connected
from coblyn.service.choices import merge
from coblyn.service.command import GenerateCommand
from coblyn.service.generate import Generator
from coblyn.service.hub import Record

__all__ = ["Choice", "Run"]

Choice = Callable[[int, Record], dict[str, Any]]
"""Makes the choice of an index out of what was generated."""


@dataclass(frozen=True, slots=True)
class Run:
    """What is to be generated, and how it is to be answered.

    Attributes:
        generator: What generates.
        wanted: What the client sent.
        commands: One for each choice, in order.
        answer: The head of the answer.
        warnings: Fields that are not obeyed.
    """

    generator: Generator
    wanted: SamplingInput
    commands: Sequence[GenerateCommand]
    answer: Answer
    warnings: Warnings

    async def respond(self, request: Request, chunks: Chunks, choice: Choice) -> Response:
        """Generate and answer.

        Args:
            request: Whose client is answered.
            chunks: How the chunks of a stream look.
            choice: How a choice of a whole answer looks.

        Raises:
            CoblynError: It can not start, or, if it is no stream, it failed on the way.
        """
        if self.wanted.stream:
            return await self._stream(request, chunks)
        records = await while_connected(request.receive, self._complete())
        body = self.answer.head | {
            "choices": [choice(index, record) for index, record in enumerate(records)],
            "usage": usage(records, self.wanted.num_choices),
        }
        if self.warnings:
            body["warnings"] = dict(self.warnings)
        return JSONResponse(body, headers=warning_headers(self.warnings))

    async def _stream(self, request: Request, chunks: Chunks) -> Response:
        starting = self.generator.start_all(self.commands)
        generations = await while_connected(request.receive, starting)
        events = frames(
            generations,
            chunks,
            num_choices=self.wanted.num_choices,
            wants_usage=self.wanted.wants_usage,
        )
        return EventStream(events, generations, warning_headers(self.warnings))

    async def _complete(self) -> list[Record]:
        generations = await self.generator.start_all(self.commands)
        async with aclosing(merge(generations)) as events:
            async for _ in events:
                pass
        return [generation.record for generation in generations]
