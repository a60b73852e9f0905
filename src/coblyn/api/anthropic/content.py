"""The content blocks of a whole answer."""

from __future__ import annotations

from typing import Any

from coblyn.chat.messages import Message, ToolCall

__all__ = ["SIGNATURE", "content_of"]

SIGNATURE = "coblyn"
"""Signs thinking, which clients send back as they got it; nobody checks it."""


def content_of(message: Message) -> list[dict[str, Any]]:
    """The blocks that a reply consists of: what the model thought, what it says, what it calls."""
    found: list[dict[str, Any]] = []
    if message.reasoning:
        found.append({"type": "thinking", "thinking": message.reasoning, "signature": SIGNATURE})
    if message.content:
        found.append({"type": "text", "text": message.content})
    return found + [_tool_use(call) for call in message.tool_calls]


def _tool_use(call: ToolCall) -> dict[str, Any]:
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": call.values or {}}
