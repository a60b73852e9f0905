"""The content blocks of a whole answer."""

from __future__ import annotations

from typing import Any

from coblyn.chat.messages import Message, ToolCall

__all__ = ["SIGNATURE", "content_of"]

SIGNATURE = "coblyn"
"""Signature of thinking blocks, which clients send back unchanged; it is not verified."""


def content_of(message: Message) -> list[dict[str, Any]]:
    """The blocks of a reply: thinking, text and tool calls."""
    found: list[dict[str, Any]] = []
    if message.reasoning:
        found.append({"type": "thinking", "thinking": message.reasoning, "signature": SIGNATURE})
    if message.content:
        found.append({"type": "text", "text": message.content})
    return found + [_tool_use(call) for call in message.tool_calls]


def _tool_use(call: ToolCall) -> dict[str, Any]:
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": call.values or {}}
