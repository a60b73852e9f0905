"""A response: its object from beginning to end, and its numbered events."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from coblyn.api.openai.responses.toolbox import Toolbox
from coblyn.api.openai.responses.wire import SEALED, ResponseInput
from coblyn.api.openai.responses.writer import Event, Form, Writer, new_id
from coblyn.api.problem import Problem
from coblyn.chat.reply import ReplyEvent
from coblyn.engine.events import Delta, Finish
from coblyn.engine.params import SamplingParams
from coblyn.mcp.tool_servers import ToolResult
from coblyn.service.command import GenerateCommand
from coblyn.service.hub import Record
from coblyn.service.replies import Reply
from coblyn.service.tool_rounds import HostedTool

__all__ = ["Response"]

_LENGTH = {"reason": "max_output_tokens"}


class Response:
    """One response.

    Args:
        wanted: The request's body.
        toolbox: Its tools.
        command: The request's command.
        model: Name of the answering model.

    Attributes:
        id: Its id.
        status: ``in_progress``, ``completed``, ``incomplete``, ``failed`` or ``cancelled``.
        events: All events so far, numbered.
        cancelled: Set when it should end as soon as it can.
    """

    def __init__(
        self, wanted: ResponseInput, toolbox: Toolbox, command: GenerateCommand, model: str
    ) -> None:
        self.id = command.key
        self.status = "in_progress"
        self.cancelled = asyncio.Event()
        self.is_in_rounds = False
        self.events: list[Event] = []
        self._changed = asyncio.Event()
        self._wanted = wanted
        self._model = model
        self._writer = Writer(Form(toolbox, wanted.wants_summary, SEALED in wanted.included))
        self._created = int(time.time())
        self._completed: int | None = None
        self._error: dict[str, Any] | None = None
        self._records: Sequence[Record] = ()
        self._head = _head(wanted, command.sampling)

    @property
    def output(self) -> list[dict[str, Any]]:
        """The complete items."""
        return self._writer.output

    def begin(self) -> list[Event]:
        """The events of an empty response."""
        return self.told([self._whole("created"), self._whole("in_progress")])

    def add(self, reply: Reply, records: Sequence[Record] = ()) -> list[Event]:
        """The events for a new part of the reply.

        Args:
            reply: The part.
            records: With the last part, the records of all generations, for the usage.
        """
        if isinstance(reply.event, Delta):
            return self.told(self._writer.add(reply.parts, reply.event.tokens))
        if isinstance(reply.event, Finish):
            self._records = records
            return self._finish(reply.event, reply)
        return []

    def pause(self, parts: Sequence[ReplyEvent]) -> list[Event]:
        """The events for the last parts before calls run."""
        return self.told([*self._writer.add(parts, ()), *self._writer.pause()])

    def ran(self, result: ToolResult) -> list[Event]:
        """The events for the result of the first call that has none yet."""
        return self.told(self._writer.ran(result))

    def list_tools(self, lists: Mapping[str, Sequence[HostedTool]]) -> list[Event]:
        """The events for a server's list of tools."""
        told = ("mcp_list_tools.in_progress", "mcp_list_tools.completed")
        events = []
        for label, tools in lists.items():
            offered = [_offered(each) for each in tools]
            head = {"id": new_id("mcpl"), "type": "mcp_list_tools", "server_label": label}
            events += self._writer.put({**head, "tools": offered, "error": None}, told)
        return self.told(events)

    def take_approved(self, request: Mapping[str, Any]) -> list[Event]:
        """The events for a call that the user approved."""
        keys = ("name", "server_label", "arguments", "id")
        name, label, arguments, asked = (str(request.get(key) or "") for key in keys)
        return self.told(self._writer.call(name, label, arguments, asked))

    def cancel(self) -> None:
        """No tool should run any longer."""
        self.cancelled.set()

    def stop(self) -> list[Event]:
        """End as cancelled while tools ran."""
        self.status = "cancelled"
        return self.told([self._whole("incomplete")])

    def fail(self, problem: Problem, code: str) -> list[Event]:
        """End as failed.

        Args:
            problem: The error.
            code: OpenAI's code for it.
        """
        self.status = "failed"
        self._error = {"code": code, "message": problem.message}
        kind = "invalid_request_error" if problem.status < 500 else "server_error"
        flat = {"code": code, "message": problem.message, "param": problem.field or None}
        error = {"type": "error", **flat, "error": {"type": kind, **flat}}
        return self.told([error, self._whole("failed")])

    def abandon(self) -> None:
        """End as incomplete, because the client has left."""
        if not self.is_over:
            self.status = "cancelled"
            self._changed.set()

    @property
    def is_over(self) -> bool:
        """Whether no more events will come."""
        return self.status != "in_progress"

    async def follow(self, start: int) -> AsyncGenerator[Event, None]:
        """Its events from a number on, including future ones."""
        while True:
            for event in self.events[start:]:
                start += 1
                yield event
            if self.is_over:
                return
            await self._changed.wait()

    def to_json(self) -> dict[str, Any]:
        """The current object."""
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
        events = [*self._writer.add(reply.parts, ()), *self._writer.finish(is_whole=is_whole)]
        self.status = "completed" if is_whole else "incomplete"
        if finish.reason == "cancelled":
            self.status = "cancelled"
        if is_whole:
            self._completed = int(time.time())
        return self.told([*events, self._whole("completed" if is_whole else "incomplete")])

    def _whole(self, kind: str) -> Event:
        return {"type": f"response.{kind}", "response": self.to_json()}

    def told(self, events: Sequence[Event]) -> list[Event]:
        """Number events, and keep them for later readers."""
        first = len(self.events)
        numbered = [
            {**event, "sequence_number": number} for number, event in enumerate(events, first)
        ]
        self.events += numbered
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        return numbered

    def _usage(self) -> dict[str, Any] | None:
        stats = [record.finish.stats for record in self._records if record.finish]
        if not stats:
            return None
        num_prompt = sum(each.num_prompt for each in stats)
        num_written = sum(each.num_generated for each in stats)
        num_thought = sum(record.num_thought for record in self._records)
        return {
            "input_tokens": num_prompt,
            "input_tokens_details": {
                "cached_tokens": sum(each.num_cached for each in stats),
                "cache_write_tokens": 0,
            },
            "output_tokens": num_written,
            "output_tokens_details": {"reasoning_tokens": num_thought},
            "total_tokens": num_prompt + num_written,
        }


def _head(wanted: ResponseInput, sampling: SamplingParams) -> dict[str, Any]:
    """The fields that repeat the request."""
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
        "top_logprobs": wanted.top_logprobs or wanted.num_probs or 0,
        "top_p": sampling.top_p,
        "truncation": wanted.truncation or "disabled",
        "user": wanted.user,
    }


def _offered(hosted: HostedTool) -> dict[str, Any]:
    tool = hosted.tool
    said = {"name": tool.name, "description": tool.description, "input_schema": tool.parameters}
    return said | {"annotations": tool.annotations or None}


def _verbosity(text: dict[str, Any]) -> dict[str, Any]:
    return {"verbosity": text["verbosity"]} if text.get("verbosity") else {}
