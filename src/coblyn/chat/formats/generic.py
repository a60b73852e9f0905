"""Models without a call format: the system text describes one, and variants of it are accepted.

The format is one JSON object, ``{"tool_calls": [{"name": …, "arguments": {…}}]}``. A bare call, a list, a code fence
and Python syntax are accepted too, if they call a known tool.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from coblyn.chat.formats.format import Format, Situation
from coblyn.chat.formats.json_call import CallKeys, read_call
from coblyn.chat.formats.lark import CallRule, Lark
from coblyn.chat.formats.pythonic import read_calls
from coblyn.chat.formats.tagged import Tagged
from coblyn.chat.incoming import Incoming, Reading
from coblyn.chat.messages import Tool, ToolCall
from coblyn.chat.outgoing import Outgoing

__all__ = ["GENERIC", "describe", "described_for", "write_calls"]

_KEYS = CallKeys(("name", "function", "tool_name", "tool"), ("arguments", "parameters", "args"), ())
_FENCES = ("```json", "```tool_code", "```tool_call", "```python", "```")


def describe(tools: Sequence[Tool]) -> str:
    """The system text about tools."""
    shown = "\n".join(
        json.dumps(
            {
                "name": tool.name,
                "description": tool.description,
                "parameters": dict(tool.parameters),
            },
            ensure_ascii=False,
        )
        for tool in tools
    )
    return (
        "You can call tools. Each line describes one, with the JSON schema of its arguments:\n"
        f"{shown}\n"
        "To call tools, write nothing but a JSON object of this form:\n"
        '{"tool_calls": [{"name": "NAME", "arguments": {"KEY": "VALUE"}}]}\n'
        "You get the results afterwards. If no tool is needed, answer in plain words."
    )


def write_calls(calls: Sequence[ToolCall]) -> str:
    """Write calls in the format that ``describe`` prescribes."""
    shown = [
        {"name": call.name, "arguments": call.arguments if call.values is None else call.values}
        for call in calls
    ]
    return json.dumps({"tool_calls": shown}, ensure_ascii=False)


def _read_start(incoming: Incoming, out: Outgoing, situation: Situation) -> Reading[None]:
    """Read calls at the beginning of content; anything else is content."""
    incoming.record()
    yield from incoming.skip_space()
    fence = yield from incoming.accept_any(*_FENCES)
    yield from incoming.skip_space()
    before = out.num_calls
    is_whole = yield from _read_any(incoming, out, situation, is_fenced=bool(fence))
    if not is_whole:
        out.broken(incoming.recorded())
    elif out.num_calls > before:
        yield from incoming.skip_space()
        if fence:
            yield from incoming.accept("```")


def _read_any(
    incoming: Incoming, out: Outgoing, situation: Situation, *, is_fenced: bool
) -> Reading[bool]:
    first = yield from incoming.peek(1)
    if first == "{":
        if not (yield from _accept_envelope(incoming)):
            return (yield from read_call(incoming, out, _KEYS, knows=situation.tools))
        is_whole = yield from _read_list(incoming, out, situation)
        yield from incoming.skip_space()
        yield from incoming.accept("}")
        return is_whole
    if first != "[" and not is_fenced:
        return False
    if first == "[" and (yield from incoming.peek_inside()) == "{":
        return (yield from _read_list(incoming, out, situation))
    return (yield from read_calls(incoming, out, situation, knows=situation.tools))


def _accept_envelope(incoming: Incoming) -> Reading[bool]:
    """Read ``{"tool_calls": `` if it comes next, however it is spaced."""
    text = yield from incoming.peek(1)
    length = 1
    parts = ['"tool_calls"', ":"]
    while parts:
        part = parts[0]
        text = yield from incoming.peek(length + 1)
        if len(text) <= length:
            return False
        if text[length].isspace():
            length += 1
            continue
        text = yield from incoming.peek(length + len(part))
        if text[length:] != part:
            return False
        length += len(part)
        parts.pop(0)
    incoming.take(length)
    yield from incoming.skip_space()
    return True


def _read_list(incoming: Incoming, out: Outgoing, situation: Situation) -> Reading[bool]:
    """Read a list of calls, up to its end."""
    if not (yield from incoming.accept("[")):
        return False
    while True:
        yield from incoming.skip_space()
        if (yield from incoming.accept("]")):
            return True
        if not (yield from read_call(incoming, out, _KEYS, knows=situation.tools)):
            return False
        incoming.record()
        yield from incoming.skip_space()
        if not (yield from incoming.accept(",")):
            return (yield from incoming.accept("]")) or True


def _rule(lark: Lark) -> CallRule:
    mark = '{"tool_calls": ['
    calls = lark.listed(lark.calls(), 'S "," S')
    return CallRule(mark, f'{calls} "]}}"', (mark,), is_block=True, is_end=True)


GENERIC = Format("generic", lambda template: True, Tagged({}, start=_read_start), make_rule=_rule)  # noqa: ARG005


def described_for(native: Format) -> Format:
    """The format for a model whose template shows no tools: what was described, and also what the model learned.

    Args:
        native: The model's own format, or ``GENERIC``.
    """
    if not isinstance(native.read, Tagged) or native.read.start:
        return GENERIC
    read = replace(native.read, start=_read_start)
    return replace(GENERIC, read=read, kept=native.kept, make_id=native.make_id)
