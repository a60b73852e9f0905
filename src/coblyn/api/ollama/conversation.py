"""Converts messages and tools from Ollama's format to the common format."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from coblyn.chat.attachment import Attachment, attached, read_file
from coblyn.chat.messages import Message, ToolCall
from coblyn.errors import BadRequest

__all__ = ["read_images", "read_messages"]

_ROLES = ("system", "developer", "user", "assistant", "tool")


def read_messages(messages: Sequence[Mapping[str, Any]]) -> tuple[Message, ...]:
    """The messages of a body.

    Tool results are matched to the calls before them by id, otherwise by the tool's name, otherwise in order.

    Raises:
        BadRequest: A message has an unknown role, or content that is not text; ``field`` names it.
    """
    found: list[Message] = []
    open_calls: list[ToolCall] = []
    for index, message in enumerate(messages):
        field = f"messages[{index}]"
        read = _read(message, field)
        if read.role == "tool":
            read = _answered(read, open_calls)
        open_calls += read.tool_calls
        found.append(read)
    return tuple(found)


def read_images(images: object, field: str) -> tuple[Attachment, ...]:
    """The images and sounds of a message or a prompt; they come before its text.

    Raises:
        BadRequest: They are not a list of base64 texts.
    """
    if not isinstance(images, list | None):
        raise BadRequest(f"{field} must be a list of base64 texts.", field=field)
    return tuple(read_file(each, f"{field}[{index}]") for index, each in enumerate(images or ()))


def _read(message: Mapping[str, Any], field: str) -> Message:
    role = str(message.get("role", "")).lower()
    if role not in _ROLES:
        raise BadRequest(f"{field}.role must be one of {', '.join(_ROLES)}.", field=f"{field}.role")
    media = read_images(message.get("images"), f"{field}.images")
    calls = message.get("tool_calls") or []
    if not isinstance(calls, list):
        raise BadRequest(f"{field}.tool_calls must be a list.", field=f"{field}.tool_calls")
    return Message(
        role,
        attached(media, _text(message, "content", field)),
        _text(message, "tool_name", field) or _text(message, "name", field),
        reasoning=_text(message, "thinking", field),
        tool_calls=tuple(_call(call, f"{field}.tool_calls[{i}]") for i, call in enumerate(calls)),
        tool_call_id=_text(message, "tool_call_id", field),
        media=media,
    )


def _answered(result: Message, open_calls: list[ToolCall]) -> Message:
    """Match a result to an open call, and give its id and name."""
    call = next(
        (
            call
            for call in open_calls
            if (call.id == result.tool_call_id)
            or (not result.tool_call_id and result.name in ("", call.name))
        ),
        None,
    )
    if call is None:
        return result
    open_calls.remove(call)
    return replace(result, name=result.name or call.name, tool_call_id=call.id)


def _call(call: Any, field: str) -> ToolCall:
    function = call.get("function") if isinstance(call, Mapping) else None
    name = function.get("name") if isinstance(function, Mapping) else None
    if not isinstance(function, Mapping) or not isinstance(name, str) or not name:
        raise BadRequest(f"{field}.function.name must be a string.", field=f"{field}.function.name")
    arguments = function.get("arguments")
    if not isinstance(arguments, str):
        arguments = json.dumps(arguments or {}, ensure_ascii=False)
    return ToolCall(_text(call, "id", field) or f"call_{secrets.token_hex(12)}", name, arguments)


def _text(fields: Mapping[str, Any], name: str, field: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str | None):
        raise BadRequest(f"{field}.{name} must be a string.", field=f"{field}.{name}")
    return value or ""
