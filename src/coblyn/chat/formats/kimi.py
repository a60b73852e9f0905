"""Kimi K2: calls between tokens of their own; name and id are one text, ``functions.NAME:INDEX``."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from coblyn.chat.formats.format import Format, Situation
from coblyn.chat.formats.json_call import read_arguments
from coblyn.chat.formats.lark import CallRule, Lark
from coblyn.chat.formats.section import section
from coblyn.chat.formats.tagged import Tagged
from coblyn.chat.formats.values import names_of, required_of
from coblyn.chat.incoming import Incoming, Reading
from coblyn.chat.messages import Tool, ToolCall
from coblyn.chat.outgoing import Outgoing

__all__ = ["KIMI"]

_BEGIN, _END = "<|tool_calls_section_begin|>", "<|tool_calls_section_end|>"
_CALL, _ARGUMENTS, _CALL_END = (
    "<|tool_call_begin|>",
    "<|tool_call_argument_begin|>",
    "<|tool_call_end|>",
)


def _read_call(incoming: Incoming, out: Outgoing, situation: Situation) -> Reading[bool]:
    call_id, mark = yield from incoming.text_before(_ARGUMENTS, "{", _CALL_END)
    name, colon, index = call_id.strip().removeprefix("functions.").rpartition(":")
    if not colon:
        index = _without_index(index, situation)
    if not mark or not (name or index):
        return False
    yield from incoming.accept(_ARGUMENTS)
    if index.isdecimal() and not name and index not in situation.tools:
        return (yield from _read_counted(incoming, out, situation, index))
    out.begin_call(name or index, call_id.strip() if colon else "")
    yield from incoming.skip_space()
    if not (yield from incoming.accept(_CALL_END)):
        if not (yield from read_arguments(incoming, out, _CALL_END)):
            return False
        yield from incoming.skip_space()
        yield from incoming.accept(_CALL_END)
    out.end_call()
    return True


def _without_index(name: str, situation: Situation) -> str:
    """The name in an id with a dot for its colon, ``NAME.INDEX``; empty if no tool is called that."""
    stem, dot, index = name.rpartition(".")
    if not dot or not index.isdecimal() or name in situation.tools:
        return name
    return stem if stem in situation.tools else ""


def _read_counted(
    incoming: Incoming, out: Outgoing, situation: Situation, number: str
) -> Reading[bool]:
    """Read a call with a number instead of a name: of the only tool, or the only one that its arguments fit."""
    parts: list[str] = []
    yield from incoming.skip_space()
    is_whole = yield from incoming.json(parts.append)
    keys = (ToolCall("", "", "".join(parts)).values or {}).keys()
    tools = list(situation.tools.values())
    fitting = [each for each in tools if _fits(each, keys)] if len(tools) > 1 else tools
    if not is_whole or len(fitting) != 1:
        return False
    out.whole_call(fitting[0].name, "".join(parts), number)
    yield from incoming.skip_space()
    yield from incoming.accept(_CALL_END)
    return True


def _fits(tool: Tool, keys: AbstractSet[str]) -> bool:
    return set(required_of(tool)) <= keys <= names_of(tool)


_SECTION = section(_CALL, (_END,), _read_call)


def _rule(lark: Lark) -> CallRule:
    def call(tool: Tool) -> str:
        begin = lark.text(f"{_CALL}functions.{tool.name}:")
        arguments = f"{lark.text(_ARGUMENTS)} {lark.arguments(tool)} {lark.text(_CALL_END)}"
        return f"{begin} /[0-9]{{1,4}}/ {arguments}"

    body = f"{lark.listed(lark.each(call), '')} {lark.text(_END)}"
    return CallRule(_BEGIN, body, (_BEGIN,), is_block=True)


KIMI = Format(
    "kimi-k2",
    lambda template: "<|tool_call_begin|>" in template,
    Tagged(
        {_BEGIN: _SECTION, _CALL: _SECTION},
        hidden=(_END, _ARGUMENTS, _CALL_END),
        ends_reasoning=(_BEGIN, _CALL),
    ),
    kept=(_BEGIN, _END, _CALL, _ARGUMENTS, _CALL_END),
    make_rule=_rule,
)
