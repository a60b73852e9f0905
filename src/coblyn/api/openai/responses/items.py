"""Converts the items of a conversation to messages for a chat template."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from coblyn.api.openai.responses.toolbox import Toolbox, inner_name
from coblyn.chat.attachment import Attachment
from coblyn.chat.content import read_content
from coblyn.chat.messages import Message, ToolCall
from coblyn.errors import BadRequest
from coblyn.service.tool_rounds import DENIED

__all__ = ["conversation", "listed", "sealed"]

Item = Mapping[str, Any]

_SEAL = "coblyn:"
"""Prefix of reasoning in the opaque form that clients send back."""

_CALLS = ("function_call", "custom_tool_call")
_RESULTS = ("function_call_output", "custom_tool_call_output")
_LATE_TOOLS = ("tool_search_output", "additional_tools")
_DROPPED = (
    *("web_search_call", "file_search_call", "computer_call", "computer_call_output"),
    *("code_interpreter_call", "image_generation_call", "mcp_list_tools"),
    *("tool_search_call", "compaction"),
    *("compaction_trigger", "program", "program_output", "configuration_update"),
    *("local_shell_call", "local_shell_call_output", "shell_call", "shell_call_output"),
    *("apply_patch_call", "apply_patch_call_output"),
)
"""Item types of tools that do not run here, and of OpenAI's own servers; ignored."""


def listed(given: Any) -> list[dict[str, Any]]:
    """The ``input`` of a request as a list of items with types.

    Raises:
        BadRequest: It is neither a text nor a list of objects.
    """
    if isinstance(given, str):
        given = [{"role": "user", "content": given}]
    if not isinstance(given, list):
        raise BadRequest("input must be a text or a list of items.", field="input")
    return [_typed(item, index) for index, item in enumerate(given)]


def _typed(item: Any, index: int) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise BadRequest(f"input[{index}] must be an object.", field=f"input[{index}]")
    if item.get("type"):
        return item
    if item.get("role"):
        return {"type": "message", **item}
    if item.get("id"):
        return {"type": "item_reference", **item}
    message = f"input[{index}] needs a type or a role."
    raise BadRequest(message, field=f"input[{index}].type")


def conversation(
    past: Sequence[Item],
    items: Sequence[Item],
    toolbox: Toolbox,
    approved: Collection[str] = (),
) -> tuple[Message, ...]:
    """Messages of a conversation.

    Consecutive reasoning, text and calls form one turn of the assistant.

    Args:
        past: Items of earlier requests and responses, oldest first.
        items: Items of this request, with references resolved.
        toolbox: Collects tools that appear among the items.
        approved: Ids of requests whose calls run next: their results are still empty.

    Raises:
        BadRequest: An item has an unknown type or is malformed; ``field`` has its index.
    """
    reader = _Reader(toolbox, approved)
    for item in past:
        reader.read(item, "previous_response_id")
    for index, item in enumerate(items):
        reader.read(item, f"input[{index}]")
    return reader.finish()


def sealed(reasoning: str) -> str:
    """Encode reasoning as ``encrypted_content``."""
    return base64.b64encode((_SEAL + reasoning).encode()).decode()


def _unsealed(text: Any) -> str:
    """Decode the result of ``sealed``; empty if it comes from another server."""
    try:
        opened = base64.b64decode(text, validate=True).decode() if isinstance(text, str) else ""
    except (binascii.Error, ValueError):
        return ""
    return opened.removeprefix(_SEAL) if opened.startswith(_SEAL) else ""


@dataclass(slots=True)
class _Turn:
    """One turn of the assistant."""

    reasoning: list[str] = field(default_factory=list)
    content: list[str] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    media: list[Attachment] = field(default_factory=list)

    @property
    def message(self) -> Message:
        reasoning, content = "\n".join(self.reasoning), "\n\n".join(self.content)
        calls, media = tuple(self.calls), tuple(self.media)
        return Message("assistant", content, reasoning=reasoning, tool_calls=calls, media=media)

    def __bool__(self) -> bool:
        return bool(self.content or self.calls)


class _Reader:
    def __init__(self, toolbox: Toolbox, approved: Collection[str]) -> None:
        self._toolbox = toolbox
        self._approved = approved
        self._messages: list[Message] = []
        self._turn = _Turn()
        self._called: dict[str, str] = {}
        self._questions: dict[str, Item] = {}

    def read(self, item: Item, where: str) -> None:
        kind = item.get("type")
        if kind == "message":
            self._message(item, where)
        elif kind == "reasoning":
            self._reasoning(item)
        elif kind in _CALLS:
            self._call(item, where)
        elif kind in _RESULTS:
            self._result(item, where)
        elif kind == "mcp_call":
            self._hosted(item)
        elif kind == "mcp_approval_request":
            self._questions[str(item.get("id"))] = item
        elif kind == "mcp_approval_response":
            self._judged(item)
        elif kind in _LATE_TOOLS:
            self._toolbox.add(item.get("tools"), f"{where}.tools")
        elif kind not in _DROPPED:
            message = f"{where}: items of type {kind!r} are not known."
            raise BadRequest(message, field=f"{where}.type")

    def finish(self) -> tuple[Message, ...]:
        self._end_turn()
        return tuple(self._messages)

    def _message(self, item: Item, where: str) -> None:
        role = item.get("role")
        if role not in ("user", "assistant", "system", "developer"):
            message = f"{where}.role must be user, assistant, system or developer."
            raise BadRequest(message, field=f"{where}.role")
        content = read_content(item.get("content"), f"{where}.content")
        if role == "assistant":
            self._turn.content += [content.text] if content.text else []
            self._turn.media += content.media
            return
        self._end_turn()
        self._messages.append(Message(role, content.text, media=content.media))

    def _reasoning(self, item: Item) -> None:
        """Its text, otherwise its sealed text, otherwise its summary."""
        text = _texts(item.get("content")) or _unsealed(item.get("encrypted_content"))
        if text := text or _texts(item.get("summary")):
            self._turn.reasoning.append(text)

    def _call(self, item: Item, where: str) -> None:
        is_custom = item.get("type") == "custom_tool_call"
        name, call_id = item.get("name"), item.get("call_id")
        given = item.get("input" if is_custom else "arguments")
        for key, value in (("name", name), ("call_id", call_id)):
            if not isinstance(value, str) or not value:
                raise BadRequest(f"{where}.{key} must be a string.", field=f"{where}.{key}")
        if is_custom:
            arguments = json.dumps({"input": given or ""}, ensure_ascii=False)
        elif isinstance(given, dict):
            arguments = json.dumps(given, ensure_ascii=False)
        elif isinstance(given, str | None):
            arguments = given or "{}"
        else:
            key = f"{where}.arguments"
            raise BadRequest(f"{key} must be JSON text.", field=key)
        called = inner_name(str(name), item.get("namespace"))
        self._called[str(call_id)] = called
        self._turn.calls.append(ToolCall(str(call_id), called, arguments))

    def _result(self, item: Item, where: str) -> None:
        call_id = item.get("call_id")
        if not isinstance(call_id, str) or not call_id:
            raise BadRequest(f"{where}.call_id must be a string.", field=f"{where}.call_id")
        output = read_content(item.get("output"), f"{where}.output")
        self._end_turn()
        name = self._called.get(call_id, "")
        result = Message("tool", output.text, name, tool_call_id=call_id, media=output.media)
        self._messages.append(result)

    def _hosted(self, item: Item) -> None:
        """A call that ran on this server, and its result."""
        error = item.get("error")
        result = f"Error: {_error_text(error)}" if error else str(item.get("output") or "")
        self._ran(item, result)

    def _judged(self, item: Item) -> None:
        """A call that the user denied or approved; approved ones that have run have their own items."""
        name = str(item.get("approval_request_id"))
        question = self._questions.pop(name, None)
        if question and name in self._approved:
            self._ran(question, "")
        elif question and item.get("approve") is not True:
            reason = item.get("reason")
            because = f" {reason}" if isinstance(reason, str) and reason else ""
            self._ran(question, DENIED + because)

    def _ran(self, item: Item, result: str) -> None:
        called = inner_name(str(item.get("name")), item.get("server_label"))
        call_id = str(item.get("id") or "")
        self._turn.calls.append(ToolCall(call_id, called, str(item.get("arguments") or "{}")))
        self._end_turn()
        self._messages.append(Message("tool", result, called, tool_call_id=call_id))

    def _end_turn(self) -> None:
        if self._turn:
            self._messages.append(self._turn.message)
        self._turn = _Turn()


def _error_text(error: Any) -> str:
    """The error text; other servers send an object."""
    return str(error.get("message") or error) if isinstance(error, dict) else str(error)


def _texts(parts: Any) -> str:
    found: Iterable[Any] = parts if isinstance(parts, list) else ()
    texts = (part.get("text") for part in found if isinstance(part, dict))
    return "".join(text for text in texts if isinstance(text, str))
