"""Gemma 4 and FunctionGemma: ``call:NAME{key:value}``; keys are bare and strings stand between marks of their own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from coblyn.chat.formats.format import Format, Situation, drop
from coblyn.chat.formats.lark import CallRule, Lark, MakeRule
from coblyn.chat.formats.tagged import Tagged
from coblyn.chat.incoming import Incoming, Reading
from coblyn.chat.messages import Tool
from coblyn.chat.outgoing import Outgoing

__all__ = ["FUNCTION_GEMMA", "GEMMA"]

_OPENING, _CLOSING = "<|tool_call>", "<tool_call|>"
_OLD_OPENING, _OLD_CLOSING = "<start_function_call>", "<end_function_call>"
_QUOTES = ('<|"|>', "<escape>")
_SCALAR_ENDS = (",", "}", "]", *_QUOTES)
_STRAY = (_CLOSING, "<channel|>", "<|tool_response>")
_MAX_DEPTH = 64
_MAX_RULE_DEPTH = 8
_SCALARS = {
    "integer": r"/-?(0|[1-9][0-9]*)/",
    "number": r"/-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/",
    "boolean": '("true" | "false")',
    "null": '"null"',
}


def _read(incoming: Incoming, out: Outgoing, situation: Situation, mark: str) -> Reading[None]:  # noqa: ARG001
    closing = _CLOSING if mark == _OPENING else _OLD_CLOSING
    incoming.record(mark)
    if not (yield from _read_call(incoming, out)):
        yield from incoming.until((closing,), drop)
        out.broken(incoming.recorded())
        return
    yield from incoming.skip_space()
    while (yield from incoming.accept(closing)):  # some are written twice
        yield from incoming.skip_space()


def _read_call(incoming: Incoming, out: Outgoing) -> Reading[bool]:
    yield from incoming.skip_space()
    if not (yield from incoming.accept("call:")):
        return False
    name, mark = yield from incoming.text_before("{", _CLOSING, _OLD_CLOSING)
    if not name.strip() or not mark:
        return False
    out.begin_call(name.strip())
    if mark == "{" and not (yield from _read_value(incoming, out, 0)):
        return False
    out.end_call()
    return True


def _read_value(incoming: Incoming, out: Outgoing, depth: int) -> Reading[bool]:
    """Read a value, and emit it as JSON as it arrives. Gives whether it is complete."""
    yield from incoming.skip_space()
    quote = yield from incoming.accept_any(*_QUOTES)
    if quote:
        return (yield from _read_text(incoming, out, quote))
    first = yield from incoming.peek(1)
    if depth > _MAX_DEPTH or not first:
        return False
    if first == '"':
        return (yield from incoming.json(out.arguments))
    if first in "{[":
        return (yield from _read_items(incoming, out, first, depth + 1))
    text, mark = yield from incoming.text_before(*_SCALAR_ENDS)
    out.arguments(_scalar(text.strip()))
    return bool(mark)


def _read_items(incoming: Incoming, out: Outgoing, first: str, depth: int) -> Reading[bool]:
    """Read a map or a list."""
    closing = "}" if first == "{" else "]"
    out.arguments(incoming.take(1))
    has_some = False
    while True:
        yield from incoming.skip_space()
        if (yield from incoming.accept(closing)):
            out.arguments(closing)
            return True
        if not (yield from incoming.peek(1)):
            return False
        if has_some:
            out.arguments(", ")
        has_some = True
        if first == "{" and not (yield from _read_key(incoming, out)):
            return False
        if not (yield from _read_value(incoming, out, depth)):
            return False
        yield from incoming.skip_space()
        yield from incoming.accept(",")


def _read_key(incoming: Incoming, out: Outgoing) -> Reading[bool]:
    key, mark = yield from incoming.text_until(":", "}")
    for quote in (*_QUOTES, '"'):
        key = key.strip().removeprefix(quote).removesuffix(quote)
    out.arguments(f"{json.dumps(key, ensure_ascii=False)}: ")
    return mark == ":"


def _read_text(incoming: Incoming, out: Outgoing, quote: str) -> Reading[bool]:
    def say(text: str) -> None:
        out.arguments(json.dumps(text, ensure_ascii=False)[1:-1])

    out.arguments('"')
    if not (yield from incoming.until((quote,), say)):
        return False
    out.arguments('"')
    return True


def _scalar(text: str) -> str:
    """JSON of a number or a word."""
    word = {"True": "true", "False": "false", "None": "null", "": "null"}.get(text, text)
    try:
        json.loads(word)
    except ValueError:
        return json.dumps(text, ensure_ascii=False)
    return word


def _rule_of(opening: str, closing: str, quote: str) -> MakeRule:
    def make(lark: Lark) -> CallRule:
        text = lark.rule(f"{lark.text(quote)} {lark.until(quote)}")

        def call(tool: Tool) -> str:
            def pair(key: str) -> str:
                value = _value(lark, lark.property(tool, key), text, quote, 0)
                return f"{lark.text(key + ':')} {value}"

            pairs = lark.parameters(tool, pair, '","', can_say=_can_say)
            return f'{lark.text(f"call:{tool.name}")} "{{" {pairs} "}}" {lark.text(closing)}'

        return CallRule(opening, lark.each(call), (opening,))

    return make


def _can_say(name: str) -> bool:
    return not any(mark in name for mark in (":", "}", '"', "<")) and name == name.strip()


def _pairs(lark: Lark, schema: Mapping[str, Any], text: str, quote: str, depth: int) -> str:
    """The rule of an object's properties."""

    def pair(key: str) -> str:
        return f"{lark.text(key + ':')} {_value(lark, schema['properties'][key], text, quote, depth + 1)}"

    return lark.members(schema, pair, '","', can_say=_can_say)


def _scalar_rule(lark: Lark, written: str, quote: str) -> str:
    """The rule of one value, given as JSON; strings stand between marks, with nothing escaped."""
    value = json.loads(written)
    return lark.text(f"{quote}{value}{quote}" if isinstance(value, str) else written)


def _value(lark: Lark, schema: Any, text: str, quote: str, depth: int) -> str:
    """The rule of a schema's value, as far as the schema determines it; strings are ``text``."""
    if not isinstance(schema, Mapping) or depth >= _MAX_RULE_DEPTH:
        return _any_value(lark, text)
    if choices := lark.scalars(schema):
        return lark.any_of(_scalar_rule(lark, each, quote) for each in choices)
    kind = schema.get("type")
    if isinstance(kind, list):
        ways = ({**schema, "type": each} for each in kind)
        return lark.any_of(_value(lark, each, text, quote, depth) for each in ways)
    if kind == "string":
        return text
    if kind in ("integer", "number"):
        return lark.number(schema)
    if kind in _SCALARS:
        return _SCALARS[kind]
    if kind == "array" and isinstance(schema.get("items"), Mapping):
        item = lark.rule(_value(lark, schema["items"], text, quote, depth + 1))
        return f'"[" ({item} ("," {item})*)? "]"'
    properties = schema.get("properties")
    if kind == "object" and properties and isinstance(properties, Mapping):
        pairs = _pairs(lark, schema, text, quote, depth)
        return f'"{{" {pairs} "}}"'
    return _any_value(lark, text)


def _any_value(lark: Lark, text: str) -> str:
    """Any value, two levels deep."""
    scalar = f"({text} | {' | '.join(_SCALARS.values())})"
    for _ in range(2):
        inner = lark.rule(scalar)
        pair = lark.rule(f'/[A-Za-z_][A-Za-z0-9_-]*/ ":" {inner}')
        items = f'"[" ({inner} ("," {inner})*)? "]"'
        pairs = f'"{{" ({pair} ("," {pair})*)? "}}"'
        scalar = f"({inner} | {items} | {pairs})"
    return lark.rule(scalar)


GEMMA = Format(
    "gemma4",
    lambda template: _OPENING in template,
    Tagged({_OPENING: _read}, dropped=_STRAY, opens=("<|channel>", "<|channel><|channel>thought")),
    kept=(_OPENING, _CLOSING, _QUOTES[0], "<|channel>", "<channel|>"),
    make_rule=_rule_of(_OPENING, _CLOSING, _QUOTES[0]),
    marks_content=True,
)

FUNCTION_GEMMA = Format(
    "function-gemma",
    lambda template: _OLD_OPENING in template,
    Tagged({_OLD_OPENING: _read}),
    kept=(_OLD_OPENING, _OLD_CLOSING, _QUOTES[1]),
    make_rule=_rule_of(_OLD_OPENING, _OLD_CLOSING, _QUOTES[1]),
)
