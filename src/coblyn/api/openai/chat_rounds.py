"""Chat completions with tools that run on this server (``{"type": "mcp", "server_label": NAME}`` among the tools).

The calls that ran are in ``mcp_calls`` of the message, in a stream of a delta: an item for each call, first as it
begins, then with its result. A call that needs approval ends the answer like a call of the client's own tools, and has
``mcp`` beside its function; ``tool_history`` reads the client's decision.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from coblyn.api.openai.shape import chat_message
from coblyn.api.openai.stream import ChatChunks
from coblyn.api.problem import Problem
from coblyn.api.stream import compact, json_text
from coblyn.chat.messages import ToolCall
from coblyn.chat.reply import (
    CallArguments,
    CallBegun,
    CallBroken,
    Collected,
    ContentText,
    ReasoningText,
    ReplyEvent,
)
from coblyn.engine.events import Delta, Finish, Prefill
from coblyn.errors import BadRequest, CoblynError
from coblyn.mcp.tool_servers import ToolResult
from coblyn.service.command import ChatPrompt, GenerateCommand
from coblyn.service.replies import Reply, ReplyReason
from coblyn.service.tool_rounds import HostedTool, Paused, Ran, RoundEvent, Rounds, Running

__all__ = ["HostedChunks", "WholeAnswer", "approved_calls", "round_frames"]

_GAP = "\n\n"
"""Separates the texts of two rounds."""


def approved_calls(
    command: GenerateCommand, ids: Sequence[str], tools: Sequence[HostedTool]
) -> list[ToolCall]:
    """The calls with these ids, all of tools on this server.

    Raises:
        BadRequest: There is no such call, or its tool is not among the request's.
    """
    assert isinstance(command.prompt, ChatPrompt), "chats are made of messages"
    calls = {call.id: call for message in command.prompt.messages for call in message.tool_calls}
    known = {each.tool.full_name for each in tools}
    for name in ids:
        if name not in calls or calls[name].name not in known:
            raise BadRequest(
                f"approve: the call {name[:80]!r} is not one of a tool on this server.",
                field="messages",
                hint="Send the call's message and the same mcp tools again.",
            )
    return [calls[name] for name in dict.fromkeys(ids)]


class _Shown:
    """What the client sees of replies: without the calls that run here."""

    def __init__(self, tools: Sequence[HostedTool]) -> None:
        self._hidden = {each.tool.full_name for each in tools if not each.asks}
        self._places: dict[int, int | None] = {}
        self._has_said: set[type[ReplyEvent]] = set()
        self._needs_gap: set[type[ReplyEvent]] = set()

    def take(self, parts: Sequence[ReplyEvent]) -> list[ReplyEvent]:
        """Some parts as the client sees them."""
        return [shown for part in parts for shown in self._part(part)]

    def pause(self) -> None:
        """Another round begins."""
        self._places.clear()
        self._needs_gap = set(self._has_said)

    def _part(self, part: ReplyEvent) -> Iterator[ReplyEvent]:
        match part:
            case ContentText(text) | ReasoningText(text):
                gap = _GAP if type(part) in self._needs_gap and text else ""
                self._needs_gap.discard(type(part))
                self._has_said.add(type(part))
                yield type(part)(gap + text)
            case CallBegun(index, id, name):
                is_hidden = name in self._hidden
                place = sum(each is not None for each in self._places.values())
                self._places[index] = None if is_hidden else place
                if not is_hidden:
                    yield CallBegun(place, id, name)
            case CallArguments(index, text):
                if (shown := self._places[index]) is not None:
                    yield CallArguments(shown, text)
            case CallBroken(index, text, is_cut):
                shown = self._places.pop(index)
                if shown is not None:
                    yield CallBroken(shown, text, is_cut)
                elif not is_cut:
                    yield ContentText(text)


@dataclass(slots=True)
class _RanCalls:
    """The items of calls that ran.

    Attributes:
        tools: The tools by the model's name.
        items: The items so far.
    """

    tools: Mapping[str, HostedTool]
    items: list[dict[str, Any]] = field(default_factory=list)

    def begin(self, call: ToolCall) -> dict[str, Any]:
        """A call begins."""
        tool = self.tools[call.name].tool
        item = {
            "id": call.id,
            "type": "mcp_call",
            "server_label": tool.server,
            "name": tool.name,
            "arguments": call.arguments,
            "status": "in_progress",
            "output": None,
            "error": None,
        }
        self.items.append(item)
        return item

    def finish(self, result: ToolResult) -> dict[str, Any]:
        """The last call has run or failed."""
        item = self.items[-1]
        if result.is_error:
            item |= {"status": "failed", "error": result.text}
        else:
            item |= {"status": "completed", "output": result.text}
        return item


def _named(tools: Sequence[HostedTool]) -> dict[str, HostedTool]:
    return {each.tool.full_name: each for each in tools}


def _mark(tool: HostedTool) -> dict[str, Any]:
    """What a call that needs approval has beside its function."""
    return {"server_label": tool.tool.server, "name": tool.tool.name, "needs_approval": True}


class WholeAnswer:
    """An answer collected over all its rounds.

    Args:
        rounds: Its rounds.
    """

    def __init__(self, rounds: Rounds) -> None:
        self._tools = _named(rounds.tools)
        self._shown = _Shown(rounds.tools)
        self._ran = _RanCalls(self._tools)
        self._collected = Collected()
        self.reason: ReplyReason | None = None

    async def collect(self, events: AsyncGenerator[RoundEvent, None]) -> None:
        """Take all events.

        Raises:
            CoblynError: A generation fails.
        """
        async with aclosing(events):
            async for event in events:
                self._add(event)

    @property
    def message(self) -> dict[str, Any]:
        """The assistant's message."""
        fields = chat_message(self._collected.message)
        for call in fields.get("tool_calls", ()):
            if tool := self._tools.get(call["function"]["name"]):
                call["mcp"] = _mark(tool)
        if self._ran.items:
            fields["mcp_calls"] = self._ran.items
        return fields

    def _add(self, event: RoundEvent) -> None:
        match event:
            case Running(call):
                self._ran.begin(call)
            case Ran(_, result):
                self._ran.finish(result)
            case Paused(parts):
                self._collected.add(self._shown.take(parts))
                self._shown.pause()
            case Reply(_, parts, reason):
                self._collected.add(self._shown.take(parts))
                self.reason = reason or self.reason


class HostedChunks(ChatChunks):
    """Chunks of an answer in rounds.

    Args:
        *args: As for ``ChatChunks``.
        rounds: Its rounds.
    """

    def __init__(self, *args: Any, rounds: Rounds) -> None:
        super().__init__(*args)
        self.rounds = rounds
        self._tools = _named(rounds.tools)
        self._shown = _Shown(rounds.tools)
        self._ran = _RanCalls(self._tools)

    def frame_of(self, event: RoundEvent) -> bytes:
        """An event as frames; may be empty."""
        match event:
            case Running(call):
                return self._item(self._ran.begin(call))
            case Ran(_, result):
                return self._item(self._ran.finish(result))
            case Paused(parts):
                rest = self._parts(0, parts)
                self._shown.pause()
                return rest
            case Reply(Delta() as delta, _, _):
                return self.more(0, delta, event)
            case Reply(Finish() as finish, _, _):
                return self.last(0, finish, event, self.rounds.records[-1])
            case Reply(Prefill() as prefill, _, _):
                return self.progress(prefill)
        return b""

    def _parts(self, index: int, parts: Sequence[ReplyEvent]) -> bytes:
        return super()._parts(index, self._shown.take(parts))

    def _fields(self, part: ReplyEvent) -> bytes:
        if isinstance(part, CallBegun) and (tool := self._tools.get(part.name)):
            call = b'{"index":%d,"id":%b,"type":"function","function":{"name":%b,"arguments":""},'
            call %= (part.index, json_text(part.id), json_text(part.name))
            return b'"tool_calls":[%b"mcp":%b}]' % (call, compact(_mark(tool)))
        return super()._fields(part)

    def _item(self, item: Mapping[str, Any]) -> bytes:
        fields = compact({"index": len(self._ran.items) - 1, **item})
        return self._chunk(0, b'"delta":{"mcp_calls":[%b]}' % fields, b"null", b"null")


async def round_frames(
    events: AsyncGenerator[RoundEvent, None], chunks: HostedChunks
) -> AsyncGenerator[bytes, None]:
    """The stream of an answer in rounds."""
    yield chunks.opening(0)
    try:
        async with aclosing(events):
            async for event in events:
                if frame := chunks.frame_of(event):
                    yield frame
    except CoblynError as error:
        yield chunks.error(Problem.of(error))
        return
    yield chunks.closing(chunks.rounds.records)
