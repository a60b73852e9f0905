"""Calls of tools on this server in the messages of chat completions, as earlier answers gave them.

An answer lists the calls that ran in ``mcp_calls`` of its message. A call that needs approval is a call like any other
to the client, which answers it with a message of role ``tool`` that has ``approve`` in place of a result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from coblyn.errors import BadRequest
from coblyn.service.tool_rounds import DENIED

__all__ = ["approved_ids", "expanded"]

Fields = Mapping[str, Any]

_LOST = "The call has run; its result was not kept."


def expanded(messages: Sequence[Fields]) -> list[Fields]:
    """The messages with the calls that ran as calls and results, and with the results of approved and denied calls.

    Raises:
        BadRequest: ``mcp_calls`` or ``approve`` is malformed.
    """
    ran: dict[str, str] = {}
    for index, message in enumerate(messages):
        for call in _calls(message, f"messages[{index}]"):
            ran[call["id"]] = _result(call)
    answered = {str(message.get("tool_call_id")) for message in messages if "approve" in message}
    last = max((i for i, each in enumerate(messages) if each.get("role") == "assistant"), default=0)
    found: list[Fields] = []
    for index, message in enumerate(messages):
        where = f"messages[{index}]"
        calls = _calls(message, where)
        for call in calls:
            if call["id"] not in answered:
                found += _as_messages(call)
        if message.get("role") == "tool" and message.get("approve") is not None:
            found.append(_judged(message, where, ran, is_over=index < last))
        elif not calls or message.get("content") or message.get("tool_calls"):
            found.append(message)
    return found


def approved_ids(messages: Sequence[Fields]) -> list[str]:
    """Ids of the calls that the last messages approve: those after the last message of the assistant."""
    found: list[str] = []
    for message in reversed(messages):
        if message.get("role") == "assistant":
            break
        if message.get("role") == "tool" and message.get("approve") is True:
            found.insert(0, str(message.get("tool_call_id")))
    return found


def _judged(message: Fields, where: str, ran: Mapping[str, str], *, is_over: bool) -> Fields:
    """The result of a call that was approved or denied; empty if it has yet to run."""
    if not isinstance(message["approve"], bool):
        raise BadRequest(f"{where}.approve must be true or false.", field=f"{where}.approve")
    call_id = message.get("tool_call_id")
    if not isinstance(call_id, str) or not call_id:
        name = f"{where}.tool_call_id"
        raise BadRequest(f"{name} must name the call to approve.", field=name)
    if not message["approve"]:
        return {**message, "content": message.get("content") or DENIED}
    return {**message, "content": ran.get(call_id, _LOST) if is_over else ""}


def _calls(message: Fields, where: str) -> list[Fields]:
    """The calls that ran for a message of the assistant."""
    calls = message.get("mcp_calls") if message.get("role") == "assistant" else None
    if not isinstance(calls, list | None):
        raise BadRequest(f"{where}.mcp_calls must be a list.", field=f"{where}.mcp_calls")
    for index, call in enumerate(calls or []):
        name = f"{where}.mcp_calls[{index}]"
        if not isinstance(call, Mapping):
            raise BadRequest(f"{name} must be an object.", field=name)
        for key in ("id", "server_label", "name"):
            if not isinstance(call.get(key), str) or not call[key]:
                raise BadRequest(f"{name}.{key} must be a string.", field=f"{name}.{key}")
    return calls or []


def _result(call: Fields) -> str:
    error, output = call.get("error"), call.get("output")
    if error:
        return f"Error: {error}"
    return output if isinstance(output, str) else _LOST


def _as_messages(call: Fields) -> list[Fields]:
    """A call and its result."""
    name = f"{call['server_label']}__{call['name']}"
    function = {"name": name, "arguments": call.get("arguments")}
    calls = [{"id": call["id"], "type": "function", "function": function}]
    return [
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": call["id"], "name": name, "content": _result(call)},
    ]
