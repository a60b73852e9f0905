"""Converts messages from Anthropic's format to the common format."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from coblyn.api.anthropic.blocks import (
    Block,
    content_of_blocks,
    joined_content,
    joined_text,
    to_blocks,
)
from coblyn.chat.flag import read_flag
from coblyn.chat.messages import Message, ToolCall
from coblyn.errors import BadRequest

__all__ = ["read_conversation"]

_BILLING = "x-anthropic-billing-header:"
"""Start of Claude Code's first system block.

It differs in every request, so keeping it would prevent any prefix reuse.
"""

_CALLS, _RAN = ("tool_use", "mcp_tool_use"), "mcp_tool_result"

_Located = tuple[Block, str]
"""A block and its path."""


def read_conversation(system: object, messages: Sequence[Mapping[str, Any]]) -> tuple[Message, ...]:
    """The conversation in a body.

    Consecutive messages of one role are merged. Tool results come before the user's text in the same turn. Late system
    text keeps its place.

    Raises:
        BadRequest: A part of it is not a message, or cannot be read; ``field`` names it.
    """
    first = _system_text(system)
    found = [Message("system", first)] if first else []
    names: dict[str, str] = {}
    turns = [_turn(message, f"messages[{index}]") for index, message in enumerate(messages)]
    for role, group in groupby(turns, key=lambda turn: turn[0]):
        blocks = [block for _, located in group for block in located]
        found += _of_role(role, blocks, names)
    return tuple(found)


def _system_text(system: object) -> str:
    blocks = to_blocks(system, "system")
    kept = [block for block in blocks if not str(block.get("text", "")).startswith(_BILLING)]
    return joined_text(kept, "system")


def _turn(message: Mapping[str, Any], field: str) -> tuple[str, list[_Located]]:
    role = message.get("role")
    if role not in ("user", "assistant", "system"):
        raise BadRequest(f"{field}.role must be user or assistant.", field=f"{field}.role")
    where = f"{field}.content"
    blocks = to_blocks(message.get("content"), where)
    return role, [(block, f"{where}[{index}]") for index, block in enumerate(blocks)]


def _of_role(role: str, blocks: list[_Located], names: dict[str, str]) -> Iterator[Message]:
    """The messages for the blocks of one turn.

    Args:
        role: The role of the turn.
        blocks: Its blocks.
        names: Tool names by call id; the turn's calls are added.
    """
    if role == "assistant":
        # Results of tools that ran within the turn follow the calls before them.
        for is_result, group in groupby(blocks, key=lambda each: each[0]["type"] == _RAN):
            part = list(group)
            if is_result:
                yield from (_result(block, field, names) for block, field in part)
            else:
                yield _assistant(part, names)
        return
    for block, field in blocks:
        if block["type"] == "tool_result":
            yield _result(block, field, names)
    said = content_of_blocks(blocks)
    if said.text or not any(block["type"] == "tool_result" for block, _ in blocks):
        yield Message(role, said.text, media=said.media)


def _assistant(blocks: list[_Located], names: dict[str, str]) -> Message:
    calls = [_call(block, field) for block, field in blocks if block["type"] in _CALLS]
    names |= {call.id: call.name for call in calls}
    thoughts = [str(block.get("thinking") or "") for block, _ in blocks if _is_thinking(block)]
    said = content_of_blocks(blocks)
    return Message(
        "assistant",
        said.text,
        reasoning="\n\n".join(filter(None, thoughts)),
        tool_calls=tuple(calls),
        media=said.media,
    )


def _is_thinking(block: Block) -> bool:
    return bool(block["type"] == "thinking")


def _call(block: Block, field: str) -> ToolCall:
    name, arguments = _name(block, "name", field), block.get("input")
    if block["type"] != "tool_use":
        name = f"{_name(block, 'server_name', field)}__{name}"
    if isinstance(arguments, str):  # broken arguments, replayed as the model wrote them
        return ToolCall(str(block.get("id") or ""), name, arguments or "{}")
    if arguments is not None and not isinstance(arguments, Mapping):
        raise BadRequest(f"{field}.input must be an object.", field=f"{field}.input")
    return ToolCall(
        str(block.get("id") or ""), name, json.dumps(arguments or {}, ensure_ascii=False)
    )


def _name(block: Block, key: str, field: str) -> str:
    name = block.get(key)
    if not isinstance(name, str) or not name:
        raise BadRequest(f"{field}.{key} must be a string.", field=f"{field}.{key}")
    return name


def _result(block: Block, field: str, names: Mapping[str, str]) -> Message:
    call_id = block.get("tool_use_id")
    if not isinstance(call_id, str) or not call_id:
        raise BadRequest(f"{field}.tool_use_id must be a string.", field=f"{field}.tool_use_id")
    text, media = joined_content(block.get("content"), f"{field}.content", is_result=True)
    if read_flag(block, "is_error", field):
        text = f"Error: {text}"
    return Message("tool", text, names.get(call_id, ""), tool_call_id=call_id, media=media)
