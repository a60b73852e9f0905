"""Calls as JSON objects in a list after a mark: Granite 3, Nemotron, Phi-4-mini, Firefunction 2, Apriel, GigaChat."""

from __future__ import annotations

import json
from collections.abc import Sequence

from coblyn.chat.formats.format import CallReader, Format, Situation, drop
from coblyn.chat.formats.json_call import CALL, CallKeys, read_call
from coblyn.chat.formats.lark import CallRule, Lark, MakeRule
from coblyn.chat.formats.tagged import Tagged
from coblyn.chat.incoming import Incoming, Reading
from coblyn.chat.messages import ToolCall
from coblyn.chat.outgoing import Outgoing

__all__ = [
    "APRIEL",
    "FIREFUNCTION",
    "GIGACHAT",
    "GRANITE",
    "NEMOTRON",
    "PHI",
    "list_behind",
    "read_list",
    "rule_of_list",
]


def read_list(incoming: Incoming, out: Outgoing, keys: CallKeys = CALL) -> Reading[bool]:
    """Read a list of calls, or one call.

    Returns:
        Whether all calls are complete; the list's last bracket may be missing.
    """
    if not (yield from incoming.accept("[")):
        return (yield from read_call(incoming, out, keys))
    before = out.num_whole
    while True:
        yield from incoming.skip_space()
        if (yield from incoming.accept("]")):
            return True
        if not (yield from incoming.peek(1)):
            return out.num_whole > before
        if not (yield from read_call(incoming, out, keys)):
            return False
        incoming.record()
        yield from incoming.skip_space()
        if (yield from incoming.accept(",")) or (yield from incoming.comes("{")):
            continue
        yield from incoming.accept("]")
        return True


def list_behind(*closings: str, keys: CallKeys = CALL) -> CallReader:
    """Make a reader of a list after a mark, with an optional closing mark."""

    def read(incoming: Incoming, out: Outgoing, situation: Situation, mark: str) -> Reading[None]:  # noqa: ARG001
        incoming.record(mark)
        yield from incoming.skip_space()
        if not (yield from read_list(incoming, out, keys)):
            yield from incoming.until(closings, drop)
            out.broken(incoming.recorded())
            return
        yield from incoming.accept_behind_space(*closings)

    return read


def _write(calls: Sequence[ToolCall]) -> str:
    shown = ({"name": call.name, "arguments": call.values or {}} for call in calls)
    return "<|tool_call|>" + json.dumps(list(shown), ensure_ascii=False)


def rule_of_list(mark: str, closing: str = "") -> MakeRule:
    """The rule of a list after a mark, which may include its bracket."""
    opening = "" if mark.endswith("[") else 'S "["'

    def make(lark: Lark) -> CallRule:
        calls = lark.listed(lark.calls(), 'S "," S')
        end = f"S {lark.text(closing)}" if closing else ""
        return CallRule(mark, f'{opening} S {calls} S "]" {end}', (mark,), is_block=True)

    return make


def _rule_of_gigachat(lark: Lark) -> CallRule:
    is_new = _GIGACHAT[0] in lark.template
    mark = _GIGACHAT[0] if is_new else _GIGACHAT[1]
    return CallRule(mark, lark.calls(), (mark,), is_end=True)


def _read_functools(
    incoming: Incoming, out: Outgoing, situation: Situation, mark: str
) -> Reading[None]:
    """Read a list whose bracket is part of the mark, because the word alone also occurs in texts."""
    incoming.put_back("[")
    yield from list_behind()(incoming, out, situation, mark.removesuffix("["))


_GRANITE = list_behind("</tool_call>", "<|/tool_call|>")

GRANITE = Format(
    "granite",
    lambda template: "<|start_of_role|>" in template and "<|tool_call|>" in template,
    Tagged(
        {"<|tool_call|>": _GRANITE, "<tool_call>": _GRANITE}, dropped=("<response>", "</response>")
    ),
    kept=("<|tool_call|>",),
    make_rule=rule_of_list("<|tool_call|>"),
    write_calls=_write,
)

NEMOTRON = Format(
    "nemotron",
    lambda template: "<TOOLCALL>" in template,
    Tagged({"<TOOLCALL>": list_behind("</TOOLCALL>")}),
    kept=("<TOOLCALL>", "</TOOLCALL>"),
    make_rule=rule_of_list("<TOOLCALL>", "</TOOLCALL>"),
)

_FUNCTOOLS = "functools["

PHI = Format(
    "phi",
    lambda template: "<|/tool_call|>" in template or "<|/tool|>" in template,
    Tagged({"<|tool_call|>": list_behind("<|/tool_call|>"), _FUNCTOOLS: _read_functools}),
    kept=("<|tool_call|>", "<|/tool_call|>"),
    make_rule=rule_of_list("<|tool_call|>", "<|/tool_call|>"),
)

FIREFUNCTION = Format(
    "firefunction",
    lambda template: _FUNCTOOLS in template,
    Tagged({_FUNCTOOLS: _read_functools}),
    make_rule=rule_of_list(_FUNCTOOLS),
)

APRIEL = Format(
    "apriel",
    lambda template: "<tool_calls>" in template,
    Tagged({"<tool_calls>": list_behind("</tool_calls>")}),
    kept=("<tool_calls>", "</tool_calls>"),
    make_rule=rule_of_list("<tool_calls>", "</tool_calls>"),
)

_GIGACHAT = ("<|function_call|>", "<|message_sep|>\n\nfunction call<|role_sep|>\n")

GIGACHAT = Format(
    "gigachat",
    lambda template: (
        ("function call" in template and "<|role_sep|>" in template)
        or "<|function_call|>" in template
    ),
    Tagged(dict.fromkeys(_GIGACHAT, list_behind())),
    kept=("<|function_call|>", "<|message_sep|>", "<|role_sep|>"),
    make_rule=_rule_of_gigachat,
)
