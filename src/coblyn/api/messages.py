"""Messages as clients send them, turned into values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from coblyn.chat.messages import Message, text_of_content
from coblyn.errors import BadRequest

__all__ = ["read_messages"]


def read_messages(messages: Sequence[Mapping[str, Any]]) -> tuple[Message, ...]:
    """Messages of a conversation.

    Raises:
        BadRequest: One has no role, or content that is not text.
    """
    return tuple(_read(message, f"messages[{i}]") for i, message in enumerate(messages))


def _read(message: Mapping[str, Any], field: str) -> Message:
    role, name = message.get("role"), message.get("name")
    if not isinstance(role, str) or not role:
        raise BadRequest(f"{field}.role must be a string.", field=f"{field}.role")
    if message.get("tool_calls") or message.get("tool_call_id"):
        raise BadRequest(f"{field}: tool calls are not supported yet.", field=field)
    content = text_of_content(message.get("content"), f"{field}.content")
    return Message(role, content, name if isinstance(name, str) else "")
