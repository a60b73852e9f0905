"""The output of a response: the model's reply as items, and the stream events for them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from coblyn.api.logprobs import chat_form
from coblyn.api.openai.responses.items import sealed
from coblyn.api.openai.responses.toolbox import Toolbox, free_text
from coblyn.chat.reply import (
    CallArguments,
    CallBegun,
    CallBroken,
    ContentText,
    ReasoningText,
    ReplyEvent,
)
from coblyn.engine.events import TokenText
from coblyn.mcp.tool_servers import ToolResult

__all__ = ["Event", "Form", "Writer", "new_id"]

Event = dict[str, Any]
"""An event without its number: ``type`` and its data."""


_BROKEN = ToolResult("The call is malformed.", is_error=True)
_CUT = ToolResult("The answer ended before the call could run.", is_error=True)


def new_id(prefix: str) -> str:
    """A unique id."""
    return f"{prefix}_{secrets.token_hex(24)}"


@dataclass(frozen=True, slots=True)
class Form:
    """The format of items.

    Attributes:
        toolbox: Gives the client's names of tools.
        as_summary: Whether reasoning is sent as its summary.
        is_sealed: Whether reasoning includes the opaque form that clients send back.
    """

    toolbox: Toolbox
    as_summary: bool = False
    is_sealed: bool = False


class _Open:
    """An item in progress.

    Args:
        index: Its place in the output.
        item: Its initial content.
    """

    def __init__(self, index: int, item: dict[str, Any]) -> None:
        self.index = index
        self.item = item
        self._parts: list[str] = []

    @property
    def text(self) -> str:
        return "".join(self._parts)

    def event(self, kind: str, **fields: Any) -> Event:
        where = {"output_index": self.index, "item_id": self.item["id"]}
        return {"type": f"response.{kind}", **where, **fields}

    def begin(self) -> list[Event]:
        item = dict(self.item)
        return [{"type": "response.output_item.added", "output_index": self.index, "item": item}]

    def add(self, text: str, logprobs: list[dict[str, Any]]) -> list[Event]:
        self._parts.append(text)
        return self._delta(text, logprobs)

    def end(self, status: str) -> list[Event]:
        events = self._close()
        if "status" in self.item:
            self.item["status"] = status
        done = {"output_index": self.index, "item": self.item}
        return [*events, {"type": "response.output_item.done", **done}]

    def _delta(self, text: str, logprobs: list[dict[str, Any]]) -> list[Event]:
        raise NotImplementedError

    def _close(self) -> list[Event]:
        """The events with the complete text, which is also put into the item."""
        raise NotImplementedError


class _Text(_Open):
    """A message."""

    def __init__(self, index: int) -> None:
        head = {"id": new_id("msg"), "type": "message", "status": "in_progress"}
        super().__init__(index, {**head, "role": "assistant", "content": []})
        self._logprobs: list[dict[str, Any]] = []

    def begin(self) -> list[Event]:
        added = self.event("content_part.added", content_index=0, part=self._part(""))
        return [*super().begin(), added]

    def _delta(self, text: str, logprobs: list[dict[str, Any]]) -> list[Event]:
        self._logprobs += logprobs
        fields = {"content_index": 0, "delta": text, "logprobs": logprobs}
        return [self.event("output_text.delta", **fields)]

    def _close(self) -> list[Event]:
        part = {**self._part(self.text), "logprobs": self._logprobs}
        self.item["content"] = [part]
        done = {"content_index": 0, "text": self.text, "logprobs": self._logprobs}
        return [
            self.event("output_text.done", **done),
            self.event("content_part.done", content_index=0, part=part),
        ]

    def _part(self, text: str) -> dict[str, Any]:
        return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


class _Thought(_Open):
    """Reasoning as full text."""

    def __init__(self, index: int, *, is_sealed: bool) -> None:
        super().__init__(index, {"id": new_id("rs"), "type": "reasoning", "summary": []})
        self._is_sealed = is_sealed

    def _delta(self, text: str, logprobs: list[dict[str, Any]]) -> list[Event]:  # noqa: ARG002
        return [self.event("reasoning_text.delta", content_index=0, delta=text)]

    def _close(self) -> list[Event]:
        self.item["content"] = [{"type": "reasoning_text", "text": self.text}]
        self._seal()
        return [self.event("reasoning_text.done", content_index=0, text=self.text)]

    def _seal(self) -> None:
        if self._is_sealed:
            self.item["encrypted_content"] = sealed(self.text)


class _Summary(_Thought):
    """Reasoning as a summary, for clients that only show summaries."""

    def begin(self) -> list[Event]:
        added = self.event("reasoning_summary_part.added", summary_index=0, part=_summary(""))
        return [*super().begin(), added]

    def _delta(self, text: str, logprobs: list[dict[str, Any]]) -> list[Event]:  # noqa: ARG002
        return [self.event("reasoning_summary_text.delta", summary_index=0, delta=text)]

    def _close(self) -> list[Event]:
        part = _summary(self.text)
        self.item["summary"] = [part]
        self._seal()
        return [
            self.event("reasoning_summary_text.done", summary_index=0, text=self.text),
            self.event("reasoning_summary_part.done", summary_index=0, part=part),
        ]


def _summary(text: str) -> dict[str, Any]:
    return {"type": "summary_text", "text": text}


class _Call(_Open):
    """A function call."""

    def __init__(self, index: int, begun: CallBegun, name: str, space: str) -> None:
        head = {"id": new_id("fc"), "type": "function_call", "status": "in_progress"}
        inner = {"call_id": begun.id, "name": name, "arguments": ""}
        super().__init__(index, head | inner | ({"namespace": space} if space else {}))

    def _delta(self, text: str, logprobs: list[dict[str, Any]]) -> list[Event]:  # noqa: ARG002
        return [self.event("function_call_arguments.delta", delta=text)]

    def _close(self) -> list[Event]:
        self.item["arguments"] = self.text
        name = self.item["name"]
        return [self.event("function_call_arguments.done", arguments=self.text, name=name)]


class _CustomCall(_Open):
    """A call of a custom tool, whose text is known only at the end, since the model writes an object."""

    def __init__(self, index: int, begun: CallBegun, name: str, space: str) -> None:
        head = {"id": new_id("ctc"), "type": "custom_tool_call", "status": "in_progress"}
        inner = {"call_id": begun.id, "name": name, "input": ""}
        super().__init__(index, head | inner | ({"namespace": space} if space else {}))

    def _delta(self, text: str, logprobs: list[dict[str, Any]]) -> list[Event]:  # noqa: ARG002
        return []

    def _close(self) -> list[Event]:
        text = self.item["input"] = free_text(self.text)
        return [
            self.event("custom_tool_call_input.delta", delta=text),
            self.event("custom_tool_call_input.done", input=text),
        ]


class _HostedCall(_Open):
    """A call of a tool on this server. Its arguments are streamed; the item is done when the tool is."""

    def __init__(self, index: int, name: str, label: str, approved: str | None = None) -> None:
        head = {"id": new_id("mcp"), "type": "mcp_call", "status": "in_progress"}
        inner = {"server_label": label, "name": name, "arguments": "", "output": None}
        super().__init__(index, head | inner | {"error": None, "approval_request_id": approved})

    def begin(self) -> list[Event]:
        """The events of the beginning."""
        return [*super().begin(), self.event("mcp_call.in_progress")]

    def end(self, status: str) -> list[Event]:  # noqa: ARG002
        """The events when the arguments are complete, before the tool runs."""
        self.item["arguments"] = self.text
        self.item["status"] = "calling"
        return [self.event("mcp_call_arguments.done", arguments=self.text)]

    def finish(self, result: ToolResult) -> list[Event]:
        """The events after the tool has run or failed."""
        if result.is_error:
            self.item |= {"status": "failed", "error": result.text}
            told = self.event("mcp_call.failed")
        else:
            self.item |= {"status": "completed", "output": result.text}
            told = self.event("mcp_call.completed")
        done = {"output_index": self.index, "item": dict(self.item)}
        return [told, {"type": "response.output_item.done", **done}]

    def _delta(self, text: str, logprobs: list[dict[str, Any]]) -> list[Event]:  # noqa: ARG002
        return [self.event("mcp_call_arguments.delta", delta=text)]


class _Question(_Open):
    """An approval request, sent when the arguments are complete."""

    def __init__(self, index: int, name: str, label: str) -> None:
        head = {"id": new_id("mcpr"), "type": "mcp_approval_request"}
        super().__init__(index, head | {"server_label": label, "name": name, "arguments": ""})

    def _delta(self, text: str, logprobs: list[dict[str, Any]]) -> list[Event]:  # noqa: ARG002
        return []

    def _close(self) -> list[Event]:
        self.item["arguments"] = self.text
        return []


class Writer:
    """Writes items one after the other.

    Args:
        form: The format of items.

    Attributes:
        output: The complete items, and calls whose tools have not run yet.
    """

    def __init__(self, form: Form) -> None:
        self._form = form
        self._open: _Open | None = None
        self._waiting: list[dict[str, Any]] = []
        self.output: list[dict[str, Any]] = []
        self._calls: list[_HostedCall] = []

    def put(self, item: dict[str, Any], told: Sequence[str] = ()) -> list[Event]:
        """Add an item that is complete at once.

        Args:
            item: The item.
            told: Names of events in between.
        """
        where = {"output_index": len(self.output)}
        self.output.append(item)
        return [
            {"type": "response.output_item.added", **where, "item": item},
            *({"type": f"response.{name}", **where, "item_id": item["id"]} for name in told),
            {"type": "response.output_item.done", **where, "item": item},
        ]

    def call(self, name: str, label: str, arguments: str, approved: str) -> list[Event]:
        """Begin an approved call."""
        call = _HostedCall(self._next, name, label, approved)
        events = [*self._begin(call), *call.add(arguments, [])]
        return events + self._end("completed")

    def pause(self) -> list[Event]:
        """Close the current item, because calls have to run before the model continues."""
        return self._end("completed")

    def ran(self, result: ToolResult) -> list[Event]:
        """Complete the first call that has no result yet."""
        return self._calls.pop(0).finish(result) if self._calls else []

    def add(self, parts: Sequence[ReplyEvent], tokens: Sequence[TokenText]) -> list[Event]:
        """The events for a new part of a reply and its tokens."""
        if tokens and tokens[0].logprob is not None:
            self._waiting += chat_form(tokens)
        return [event for part in parts for event in self._part(part)]

    def finish(self, *, is_whole: bool) -> list[Event]:
        """The last events; a response without items gets an empty message.

        Args:
            is_whole: Whether the model ended by itself.
        """
        events = [] if self.output or self._open else self._begin(_Text(0))
        events += self._end("completed" if is_whole else "incomplete")
        while self._calls:
            events += self.ran(_CUT)
        return events

    def _part(self, part: ReplyEvent) -> list[Event]:
        match part:
            case ReasoningText(text):
                return [*self._thought(), *self._say(text)]
            case ContentText(text):
                opened = [] if isinstance(self._open, _Text) else self._begin(_Text(self._next))
                return [*opened, *self._say(text)]
            case CallBegun():
                return self._call(part)
            case CallArguments(_, text):
                return self._say(text)
            case CallBroken(_, _, is_cut):
                return [*self._end("incomplete"), *self.ran(_CUT if is_cut else _BROKEN)]

    @property
    def _next(self) -> int:
        return len(self.output) + (self._open is not None)

    def _thought(self) -> list[Event]:
        if isinstance(self._open, _Thought):
            return []
        kind = _Summary if self._form.as_summary else _Thought
        return self._begin(kind(self._next, is_sealed=self._form.is_sealed))

    def _call(self, begun: CallBegun) -> list[Event]:
        name = self._form.toolbox.name(begun.name)
        if name.kind == "mcp":
            hosted = _Question if name.asks else _HostedCall
            return self._begin(hosted(self._next, name.name, name.namespace))
        kind = _CustomCall if name.kind == "custom" else _Call
        return self._begin(kind(self._next, begun, name.name, name.namespace))

    def _begin(self, item: _Open) -> list[Event]:
        ended = self._end("completed")
        self._open = item
        return [*ended, *item.begin()]

    def _say(self, text: str) -> list[Event]:
        if self._open is None:
            return []
        is_text = isinstance(self._open, _Text)
        logprobs, self._waiting = (self._waiting if is_text else []), []
        return self._open.add(text, logprobs)

    def _end(self, status: str) -> list[Event]:
        if self._open is None:
            return []
        ended, self._open = self._open, None
        events = ended.end(status)
        self.output.append(ended.item)
        if isinstance(ended, _HostedCall):
            self._calls.append(ended)
        return events
