"""Messages of a conversation: as clients send them, and as values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from coblyn.errors import BadRequest

__all__ = ["Message", "read_messages", "text_of_content"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message.

    Attributes:
        role: Who says it: ``system``, ``user``, ``assistant`` or what else a template knows.
        content: Its text.
        name: Name of the speaker, or empty.
    """

    role: str
    content: str
    name: str = ""

    def to_template(self) -> dict[str, str]:
        """The form that chat templates expect."""
        fields = {"role": self.role, "content": self.content}
        return fields | {"name": self.name} if self.name else fields


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


def text_of_content(content: object, field: str) -> str:
    """Text of a message's content: a string, None, or a list of parts as OpenAI's API has them.

    Args:
        content: What the client sent.
        field: Where it stood, for error messages, such as ``messages[2].content``.

    Raises:
        BadRequest: It is something else, or a part is not text.
    """
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, Sequence):
        raise BadRequest(f"{field} must be a string or a list of parts.", field=field)
    return "".join(_text_of_part(part, f"{field}[{i}]") for i, part in enumerate(content))


def _text_of_part(part: object, field: str) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, Mapping):
        raise BadRequest(f"{field} must be a text part.", field=field)
    kind = part.get("type")
    if kind not in ("text", "input_text"):
        raise BadRequest(f"{field}: parts of type {kind!r} are not supported yet.", field=field)
    text = part.get("text")
    if not isinstance(text, str):
        raise BadRequest(f"{field}.text must be a string.", field=f"{field}.text")
    return text
