"""A response: its object, from its beginning to its end, and the numbered events that tell of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from coblyn.api.openai.responses.toolbox import Toolbox
from coblyn.api.openai.responses.wire import SEALED, ResponseInput
from coblyn.api.openai.responses.writer import Event, Form, Writer
from coblyn.api.problem import Problem
from coblyn.engine.events import Delta, Finish, Stats
from coblyn.engine.params import SamplingParams
from coblyn.service.command import GenerateCommand
from coblyn.service.replies import Reply

__all__ = ["Response"]

_LENGTH = {"reason": "max_output_tokens"}


class Response:
    """One response.

    Args:
        wanted: The body of the request.
        toolbox: Its tools.
        command: What it means.
        model: Name of the model that answers.

    Attributes:
        id: Its id.
        status: ``in_progress``, ``completed``, ``incomplete``, ``failed`` or ``cancelled``.
        events: All events so far, with their numbers.
    """

    def __init__(
        self, wanted: ResponseInput, toolbox: Toolbox, command: GenerateCommand, model: str
    ) -> None:
        self.id = command.key
        self.status = "in_progress"
        self.events: list[Event] = []
        self._changed = asyncio.Event()
        self._wanted = wanted
        self._model = model
        self._writer = Writer(Form(toolbox, wanted.wants_summary, SEALED in wanted.included))
        self._created = int(time.time())
        self._completed: int | None = None
        self._error: dict[str, Any] | None = None
        self._stats: Stats | None = None
        self._num_thought = 0
        self._head = _head(wanted, command.sampling)

    @property
    def output(self) -> list[dict[str, Any]]:
        """The items that are complete."""
        return self._writer.output

    def begin(self) -> list[Event]:
        """Nothing is written yet."""
        return self._told([self._whole("created"), self._whole("in_progress")])

    def add(self, reply: Reply, num_thought: int = 0) -> list[Event]:
        """What is new of the reply; at its end also how many of its tokens were reasoning."""
        self._num_thought = num_thought
        if isinstance(reply.event, Delta):
            return self._told(self._writer.add(reply.parts, reply.event.tokens))
        if isinstance(reply.event, Finish):
            return self._finish(reply.event, reply)
        return []

    def fail(self, problem: Problem, code: str) -> list[Event]:
        """It failed on the way.

        Args:
            problem: What went wrong.
            code: OpenAI's name for it.
        """
        self.status = "failed"
        self._error = {"code": code, "message": problem.message}
        kind = "invalid_request_error" if problem.status < 500 else "server_error"
        flat = {"code": code, "message": problem.message, "param": problem.field or None}
        error = {"type": "error", **flat, "error": {"type": kind, **flat}}
        return self._told([error, self._whole("failed")])

    def abandon(self) -> None:
        """Nobody waits for it any more: what is not complete will never be."""
        if not self.is_over:
            self.status = "cancelled"
            self._changed.set()

    @property
    def is_over(self) -> bool:
        """Whether no more events will come."""
        return self.status != "in_progress"

    async def follow(self, start: int) -> AsyncGenerator[Event, None]:
        """Its events from that number on, and those that will come."""
        while True:
            for event in self.events[start:]:
                start += 1
                yield event
            if self.is_over:
                return
            await self._changed.wait()

    def to_json(self) -> dict[str, Any]:
        """The object as it is now."""
        incomplete = _LENGTH if self.status == "incomplete" else None
        return {
            "id": self.id,
            "object": "response",
            "created_at": self._created,
            "completed_at": self._completed,
            "status": self.status,
            "error": self._error,
            "incomplete_details": incomplete,
            "model": self._model,
            "output": list(self.output),
            "usage": self._usage(),
            **self._head,
        }

    def _finish(self, finish: Finish, reply: Reply) -> list[Event]:
        is_whole = finish.reason in ("eos", "stop")
        events = self._writer.add(reply.parts, ()) + self._writer.finish(is_whole=is_whole)
        self._stats = finish.stats
        self.status = "completed" if is_whole else "incomplete"
        if finish.reason == "cancelled":
            self.status = "cancelled"
        if is_whole:
            self._completed = int(time.time())
        return self._told([*events, self._whole("completed" if is_whole else "incomplete")])

    def _whole(self, kind: str) -> Event:
        return {"type": f"response.{kind}", "response": self.to_json()}

    def _told(self, events: Sequence[Event]) -> list[Event]:
        first = len(self.events)
        numbered = [
            {**event, "sequence_number": number} for number, event in enumerate(events, first)
        ]
        self.events += numbered
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        return numbered

    def _usage(self) -> dict[str, Any] | None:
        stats = self._stats
        if stats is None:
            return None
        return {
            "input_tokens": stats.prompt_tokens,
            "input_tokens_details": {
                "cached_tokens": stats.cached_tokens,
                "cache_write_tokens": 0,
            },
            "output_tokens": stats.completion_tokens,
            "output_tokens_details": {"reasoning_tokens": self._num_thought},
            "total_tokens": stats.prompt_tokens + stats.completion_tokens,
        }


def _head(wanted: ResponseInput, sampling: SamplingParams) -> dict[str, Any]:
    """What a response says of its request."""
    reasoning, text = wanted.reasoning or {}, wanted.text or {}
    return {
        "background": bool(wanted.background),
        "instructions": wanted.instructions,
        "max_output_tokens": wanted.max_output_tokens,
        "max_tool_calls": wanted.max_tool_calls,
        "metadata": wanted.metadata or {},
        "parallel_tool_calls": wanted.parallel_tool_calls is not False,
        "previous_response_id": wanted.previous_response_id,
        "prompt_cache_key": None,
        "reasoning": {"effort": reasoning.get("effort"), "summary": reasoning.get("summary")},
        "safety_identifier": None,
        "service_tier": None,
        "store": wanted.is_stored,
        "temperature": sampling.temperature,
        "text": {"format": text.get("format") or {"type": "text"}} | _verbosity(text),
        "tool_choice": wanted.tool_choice or "auto",
        "tools": list(wanted.tools or ()),
        "top_logprobs": wanted.top_logprobs or 0,
        "top_p": sampling.top_p,
        "truncation": wanted.truncation or "disabled",
        "user": wanted.user,
    }


def _verbosity(text: dict[str, Any]) -> dict[str, Any]:
    return {"verbosity": text["verbosity"]} if text.get("verbosity") else {}
