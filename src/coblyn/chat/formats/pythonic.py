"""Calls in Python syntax: LFM2 as a list between special tokens, OLMo 3 one a line between tags, others bare."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any

from coblyn.chat.formats.format import Format, Situation, drop
from coblyn.chat.formats.json_list import read_list
from coblyn.chat.formats.lark import CallRule, Lark
from coblyn.chat.formats.tagged import Tagged
from coblyn.chat.formats.values import Arguments, json_of_python, types_of
from coblyn.chat.incoming import Incoming, Reading
from coblyn.chat.messages import Tool, ToolCall
from coblyn.chat.outgoing import Outgoing
from coblyn.chat.reasoning import Reasoning

__all__ = ["LFM2", "OLMO3", "read_bare", "read_calls", "read_keywords"]

_BEGIN, _END = "<|tool_call_start|>", "<|tool_call_end|>"
_OPENING, _CLOSING = "<function_calls>", "</function_calls>"


def read_calls(
    incoming: Incoming, out: Outgoing, situation: Situation, knows: Container[str] | None = None
) -> Reading[bool]:
    """Read a list of calls, or one call.

    Args:
        incoming: The source text.
        out: Receives the events.
        situation: Gives the tools.
        knows: Known names; anything with another name is not a call. None to accept any name.

    Returns:
        Whether all calls are complete; the list's last bracket may be missing.
    """
    is_list = yield from incoming.accept("[")
    while True:
        yield from incoming.skip_space()
        if is_list and (yield from incoming.accept("]")):
            return True
        name = yield from incoming.word()
        if not name or (knows is not None and name not in knows):
            return False
        if not (yield from incoming.accept("(")):
            return False
        out.begin_call(name)
        if not (yield from read_keywords(incoming, out, situation.tools.get(name))):
            return False
        incoming.record()
        yield from incoming.skip_space()
        if not (yield from incoming.accept(",")):
            yield from incoming.accept("]")
            return True


def read_keywords(incoming: Incoming, out: Outgoing, tool: Tool | None) -> Reading[bool]:
    """Read the arguments of the current call, from after its opening bracket, and end it.

    Positional arguments get the names of the tool's parameters, in order.

    Returns:
        Whether they are complete.
    """
    arguments = Arguments(out)
    names = iter((tool.parameters if tool else {}).get("properties") or ())
    while True:
        yield from incoming.skip_space()
        if (yield from incoming.accept(")")):
            if (yield from _goes_on(incoming)):  # the bracket was part of a text
                return False
            arguments.end()
            return True
        word = yield from incoming.word()
        space = yield from incoming.space()
        is_named = bool(word) and (yield from incoming.accept("="))
        key = word if is_named else next(names, None)
        if key is None:
            return False
        if is_named:
            arguments.begin(key)
            word = space = ""
            yield from incoming.skip_space()
        value = word + space + (yield from incoming.literal())
        if not value.strip() or (yield from incoming.peek(1)) not in (",", ")"):
            return False
        if not is_named:
            arguments.begin(key)
        arguments.value(json_of_python(value))
        yield from incoming.accept(",")


def _goes_on(incoming: Incoming) -> Reading[bool]:
    """Whether what follows a call cannot stand there."""
    length = 1
    while (text := (yield from incoming.peek(length))) and len(text) == length:
        if not text[-1].isspace():
            return text[-1] in "\"')}"
        length += 1
    return False


def read_bare(incoming: Incoming, out: Outgoing, situation: Situation) -> Reading[None]:
    """Read calls without a mark. Text that does not call a known tool is content."""
    incoming.record()
    yield from incoming.skip_space()
    is_list = (yield from incoming.peek(1)) == "["
    if not is_list or not (yield from read_calls(incoming, out, situation, situation.tools)):
        out.broken(incoming.recorded())


def _read_named(
    incoming: Incoming, out: Outgoing, situation: Situation, mark: str
) -> Reading[None]:
    incoming.record(mark)
    if not (yield from read_calls(incoming, out, situation)):
        out.broken(incoming.recorded())


def _read(incoming: Incoming, out: Outgoing, situation: Situation, mark: str) -> Reading[None]:
    incoming.record(mark)
    yield from incoming.skip_space()
    while (yield from incoming.accept(_BEGIN)):  # some write it twice
        yield from incoming.skip_space()
    if (yield from incoming.accept(_END)):  # it calls nothing
        return
    first = yield from incoming.peek(1)
    is_json = first == "{" or (first == "[" and (yield from incoming.peek_inside()) == "{")
    is_whole = yield from (
        read_list(incoming, out) if is_json else read_calls(incoming, out, situation)
    )
    if not is_whole:
        yield from incoming.until((_END,), drop)
        out.broken(incoming.recorded())
        return
    yield from incoming.skip_space()
    if (yield from incoming.accept(_END)):
        while (yield from incoming.accept(_END)):
            pass
        yield from _skip_echo(incoming)


def _skip_echo(incoming: Incoming) -> Reading[None]:
    """Skip calls that the model writes a second time, without the mark that begins them."""
    if not (yield from incoming.comes("[")):
        return
    text, mark = yield from incoming.text_before(_BEGIN, _END)
    if mark == _END:
        yield from incoming.accept(_END)
    else:
        incoming.put_back(text)


def _read_lines(
    incoming: Incoming, out: Outgoing, situation: Situation, mark: str
) -> Reading[None]:
    """Read OLMo's calls. One that is malformed is text, and hides none of the others."""
    before = out.num_calls
    incoming.record(mark)
    knows: Container[str] | None = None
    while True:
        yield from incoming.skip_space()
        is_end = yield from incoming.accept(_CLOSING)
        if is_end or not (yield from incoming.peek(1)):
            break
        if not (yield from read_calls(incoming, out, situation, knows)):
            is_end = (yield from incoming.before(("\n", _CLOSING), drop)) != "\n"
            yield from incoming.accept(_CLOSING)
            out.broken(incoming.recorded())
            if is_end:
                return
            incoming.record()
            knows = situation.tools  # the next line may be the rest of this one
    if out.num_calls == before:
        out.broken(incoming.recorded())


def _rule(lark: Lark) -> CallRule:
    def value(tool: Tool, key: str) -> str:
        return _python(lark, tool, key)

    calls = lark.listed(_call(lark, value), '"," " "?')
    return CallRule(_BEGIN, f'"[" {calls} "]" {lark.text(_END)}', (_BEGIN,), is_block=True)


def _rule_of_lines(lark: Lark) -> CallRule:
    def value(tool: Tool, key: str) -> str:
        return _json(lark, lark.property(tool, key))

    body = f"{lark.listed(_call(lark, value), lark.text(chr(10)))} {lark.text(_CLOSING)}"
    return CallRule(_OPENING, body, (_OPENING,), is_block=True)


def _call(lark: Lark, value: Callable[[Tool, str], str]) -> str:
    """The rule of a call of one of the tools, with a rule of values."""

    def call(tool: Tool) -> str:
        def keyword(key: str) -> str:
            return f"{lark.text(key + '=')} {value(tool, key)}"

        keywords = lark.parameters(tool, keyword, '"," " "', can_say=_can_say)
        return f'{lark.text(tool.name + "(")} {keywords} ")"'

    return lark.each(call)


def _can_say(name: str) -> bool:
    return bool(_NAME.fullmatch(name))


def _python(lark: Lark, tool: Tool, key: str) -> str:
    """The rule of a Python literal for a parameter, with the right scalar type."""
    types = types_of(tool, key)
    schema = lark.property(tool, key)
    if choices := lark.scalars(schema):
        return lark.any_of(lark.text(_WORDS.get(each, each)) for each in choices)
    if types & {"array", "object"} or schema.keys() & _DEMANDS:
        return _json(lark, schema)
    if types in ({"integer"}, {"number"}):
        return lark.number({**schema, "type": next(iter(types))})
    shown = [_LITERALS[kind] for kind in sorted(types) if kind in _LITERALS]
    return "(" + " | ".join(shown) + ")"


def _json(lark: Lark, schema: Mapping[str, Any]) -> str:
    """The rule of JSON, without escapes by number: Python reads those in another way."""
    return lark.json({**schema, "x-guidance": {"json_allowed_escapes": 'nrbtf\\"'}})


_DEMANDS = {"minLength", "maxLength", "pattern", "format", "$ref", "allOf", "anyOf", "oneOf", "not"}
_NAME = re.compile(r"[\w.-]+")  # as ``Incoming.word`` reads it
_WORDS = {"true": "True", "false": "False", "null": "None"}
_LITERALS = {
    "string": r'/"([^"\\\n]|\\.)*"/',
    "integer": r"/-?(0|[1-9][0-9]*)/",
    "number": r"/-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/",
    "boolean": '("True" | "False")',
    "null": '"None"',
}


def _write(calls: Sequence[ToolCall]) -> str:
    shown = (
        f"{call.name}({', '.join(f'{k}={v!r}' for k, v in (call.values or {}).items())})"
        for call in calls
    )
    return f"{_BEGIN}[{', '.join(shown)}]{_END}"


LFM2 = Format(
    "lfm2",
    lambda template: any(
        sign in template for sign in ("<|tool_list_start|>", "List of tools: ", _BEGIN)
    ),
    Tagged({_BEGIN: _read}, start=read_bare, named="[NAME(", read_named=_read_named),
    kept=(_BEGIN, _END),
    make_rule=_rule,
    write_calls=_write,
    reasoning=Reasoning("<think>", "</think>"),
)

OLMO3 = Format(
    "olmo3",
    lambda template: _OPENING in template,
    Tagged({_OPENING: _read_lines}),
    kept=(_OPENING, _CLOSING),
    make_rule=_rule_of_lines,
)
