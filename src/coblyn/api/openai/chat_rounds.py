"""Chat completions with tools that run on this server (``{"type": "mcp", "server_label": NAME}`` among the tools).

The calls that ran are in ``mcp_calls`` of the message, in a stream of a delta: an item for each call, first as it
begins, then with its result. A call that needs approval ends the answer like a call of the client's own tools, and has
``mcp`` beside its function; ``tool_history`` reads the client's decision.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from coblyn.api.openai.shape import chat_message
from coblyn.api.openai.stream import ChatChunks
from coblyn.api.rounds import WholeRounds
from coblyn.api.stream import compact, json_text
from coblyn.chat.messages import ToolCall
from coblyn.chat.reply import CallBegun, ReplyEvent
from coblyn.errors import BadRequest
from coblyn.mcp.tool_servers import ToolResult
from coblyn.service.command import ChatPrompt, GenerateCommand
from coblyn.service.tool_rounds import HostedTool, Rounds

__all__ = ["HostedChunks", "WholeAnswer", "approved_calls"]


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


class WholeAnswer(WholeRounds):
    """An answer collected over all its rounds.

    Args:
        rounds: Its rounds.
    """

    def __init__(self, rounds: Rounds) -> None:
        super().__init__(rounds)
        self._tools = _named(rounds.tools)
        self._ran = _RanCalls(self._tools)

    @property
    def message(self) -> dict[str, Any]:
        """The assistant's message."""
        fields = chat_message(self.collected.message)
        for call in fields.get("tool_calls", ()):
            if tool := self._tools.get(call["function"]["name"]):
                call["mcp"] = _mark(tool)
        if self._ran.items:
            fields["mcp_calls"] = self._ran.items
        return fields

    def running(self, call: ToolCall) -> None:
        """A call runs now."""
        self._ran.begin(call)

    def ran(self, call: ToolCall, result: ToolResult) -> None:  # noqa: ARG002
        """It has run or failed."""
        self._ran.finish(result)


class HostedChunks(ChatChunks):
    """Chunks of an answer in rounds.

    Args:
        *args: As for ``ChatChunks``.
        rounds: Its rounds.
    """

    def __init__(self, *args: Any, rounds: Rounds) -> None:
        super().__init__(*args)
        self._tools = _named(rounds.tools)
        self._ran = _RanCalls(self._tools)

    def running(self, call: ToolCall) -> bytes:
        """A call runs now."""
        return self._item(self._ran.begin(call))

    def ran(self, call: ToolCall, result: ToolResult) -> bytes:  # noqa: ARG002
        """It has run or failed."""
        return self._item(self._ran.finish(result))

    def _fields(self, part: ReplyEvent) -> bytes:
        if isinstance(part, CallBegun) and (tool := self._tools.get(part.name)):
            call = b'{"index":%d,"id":%b,"type":"function","function":{"name":%b,"arguments":""},'
            call %= (part.index, json_text(part.id), json_text(part.name))
            return b'"tool_calls":[%b"mcp":%b}]' % (call, compact(_mark(tool)))
        return super()._fields(part)

    def _item(self, item: Mapping[str, Any]) -> bytes:
        fields = compact({"index": len(self._ran.items) - 1, **item})
        return self._chunk(0, b'"delta":{"mcp_calls":[%b]}' % fields, b"null", b"null")
