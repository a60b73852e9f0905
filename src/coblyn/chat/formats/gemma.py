"""Gemma 4 and FunctionGemma: ``call:NAME{key:value}``; keys are bare and strings stand between marks of their own."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from coblyn.chat.formats.format import Format, Situation, drop
from coblyn.chat.formats.lark import CallRule, Lark, MakeRule
from coblyn.chat.formats.tagged import Tagged
from coblyn.chat.formats.values import Known, read_json
from coblyn.chat.incoming import Incoming, Reading
from coblyn.chat.messages import Tool
from coblyn.chat.outgoing import Outgoing

__all__ = ["FUNCTION_GEMMA", "GEMMA"]

_OPENING, _CLOSING = "<|tool_call>", "<tool_call|>"
_OLD_OPENING, _OLD_CLOSING = "<start_function_call>", "<end_function_call>"
_CLOSINGS = (_CLOSING, _OLD_CLOSING)
_ENDS_OF_CALL = tuple("}" + closing for closing in _CLOSINGS)
_QUOTES = ('<|"|>', "<escape>")
_SCALAR_ENDS = (",", "}", "]", *_QUOTES, *_CLOSINGS)
_STRAY = (_CLOSING, "<channel|>", "<|tool_response>")
_FRACTION = re.compile(r"[+-]?(\d+\.\d*|\.\d+)")
_MAX_DEPTH = 64
_MAX_RULE_DEPTH = 8
_SCALARS = {
    "integer": r"/-?(0|[1-9][0-9]*)/",
    "number": r"/-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/",
    "boolean": '("true" | "false")',
    "null": '"null"',
}


def _read(incoming: Incoming, out: Outgoing, situation: Situation, mark: str) -> Reading[None]:
    closing = _CLOSING if mark == _OPENING else _OLD_CLOSING
    incoming.record(mark)
    if not (yield from _read_call(incoming, out, situation)):
        yield from incoming.until((closing,), drop)
        out.broken(incoming.recorded())
        return
    while (yield from incoming.accept_behind_space(closing)):  # some are written twice
        pass


def _read_call(incoming: Incoming, out: Outgoing, situation: Situation) -> Reading[bool]:
    yield from incoming.skip_space()
    if not (yield from incoming.accept_any("call:", ":")):
        return False
    name, mark = yield from incoming.text_before("{", *_CLOSINGS)
    name = name.strip()
    if not name or not mark:
        return False
    out.begin_call(name)
    schema = situation.tools[name].parameters if name in situation.tools else {}
    known = Known(schema, schema)
    if mark == "{" and not (yield from _read_items(incoming, out, known, 1)):
        return False
    out.end_call()
    return True


def _read_value(
    incoming: Incoming, out: Outgoing, known: Known, depth: int, ends: Sequence[str]
) -> Reading[bool]:
    """Read a value, and emit it as JSON as it arrives.

    Args:
        incoming: The source text.
        out: Receives it.
        known: What is known of it.
        depth: How many brackets it stands in.
        ends: What ends a text that has no quotes, if it may have none.

    Returns:
        Whether it is complete.
    """
    space = yield from incoming.space()
    quote = yield from incoming.accept_any(*_QUOTES)
    if quote:
        return (yield from _read_text(incoming, out, quote))
    first = yield from incoming.peek(1)
    if depth > _MAX_DEPTH or not first:
        return False
    if first == '"':
        return (yield from incoming.json(out.arguments))
    if first in "{[":
        return (yield from _read_items(incoming, out, known, depth + 1))
    if first == "'" and (yield from _read_single_quoted(incoming, out)):
        return True
    if ends and known.types == {"string"}:
        return (yield from _read_bare_text(incoming, out, ends, space if "\n" in space else ""))
    text, mark = yield from incoming.text_before(*_SCALAR_ENDS)
    out.arguments(_scalar(text.strip()))
    return bool(mark)


def _read_items(incoming: Incoming, out: Outgoing, known: Known, depth: int) -> Reading[bool]:
    """Read a map or a list. Its bracket may be missing at the end of the call."""
    first = incoming.take(1)
    closing = "}" if first == "{" else "]"
    ends = _ends_of_members(known) if depth == 1 else ()
    out.arguments(first)
    has_some = False
    while True:
        yield from incoming.skip_space()
        if (yield from incoming.accept(closing)) or (yield from incoming.comes_any(*_CLOSINGS)):
            out.arguments(closing)
            return True
        comes = yield from incoming.peek(1)
        if (
            not comes or comes in "}]"
        ):  # the other kind of bracket ends no member, and no value begins with it
            return False
        if has_some:
            out.arguments(", ")
        has_some = True
        key = (yield from _read_key(incoming, out)) if first == "{" else ""
        if key is None:
            return False
        inner = known.member(key) if first == "{" else known.item()
        if not (yield from _read_value(incoming, out, inner, depth, ends)):
            return False
        yield from incoming.skip_space()
        yield from incoming.accept(",")


def _ends_of_members(known: Known) -> tuple[str, ...]:
    """What ends a text without quotes among the arguments: the next of them, or the end of the call."""
    names = known.schema.get("properties")
    keys = names if isinstance(names, Mapping) else ()
    following = (f",{space}{key}:" for key in keys for space in ("", " "))
    return (*following, *_QUOTES, *_CLOSINGS, _OPENING, _OLD_OPENING)


def _read_bare_text(
    incoming: Incoming, out: Outgoing, ends: Sequence[str], space: str
) -> Reading[bool]:
    """Read a text without quotes. A number stays one."""
    text, mark = yield from incoming.text_before(*ends)
    if not mark.startswith(","):
        whole = text.rstrip()
        if whole.endswith("}"):
            incoming.put_back(text[len(whole) - 1 :])
            text = whole[:-1]
        elif not mark:
            return False
    written = _scalar(text.strip()) if text.strip() else '""'
    out.arguments(json.dumps(space + text, ensure_ascii=False) if written[0] == '"' else written)
    yield from incoming.accept_any(*_QUOTES)
    return True


def _read_single_quoted(incoming: Incoming, out: Outgoing) -> Reading[bool]:
    """Read a text in single quotes; False if nothing ends it before the call does."""
    quote = incoming.take(1)
    ends = tuple(quote + each for each in _SCALAR_ENDS)
    if (yield from incoming.first_of(*ends, *_CLOSINGS)) not in ends:
        incoming.put_back(quote)
        return False
    text, _ = yield from incoming.text_before(*ends)
    out.arguments(json.dumps(text, ensure_ascii=False))
    incoming.take(1)
    yield from incoming.accept_any(*_QUOTES)
    return True


def _read_key(incoming: Incoming, out: Outgoing) -> Reading[str | None]:
    """Read a key and emit it; None if there is none."""
    key, mark = yield from incoming.text_until(":", "}")
    for quote in (*_QUOTES, '"'):
        key = key.strip().removeprefix(quote).removesuffix(quote)
    out.arguments(f"{json.dumps(key, ensure_ascii=False)}: ")
    return key if mark == ":" else None


def _read_text(incoming: Incoming, out: Outgoing, quote: str) -> Reading[bool]:
    """Read a text and its closing quote, which may be missing at the end of the call."""

    def say(text: str) -> None:
        out.arguments(json.dumps(text, ensure_ascii=False)[1:-1])

    out.arguments('"')
    while mark := (yield from incoming.before((quote, *_ENDS_OF_CALL), say)):
        if mark == quote:
            incoming.take(len(quote))
        elif (yield from incoming.first_of(quote, _OPENING, _OLD_OPENING)) == quote:
            say(incoming.take(len(mark)))  # it is part of the text
            continue
        out.arguments('"')
        return True
    return False


def _scalar(text: str) -> str:
    """JSON of a number or a word."""
    word = {"True": "true", "False": "false", "None": "null", "": "null"}.get(text, text)
    try:
        read_json(word)
    except ValueError:
        if _FRACTION.fullmatch(text):
            return json.dumps(float(text))
        return json.dumps(text, ensure_ascii=False)
    return word


def _rule_of(opening: str, closing: str, quote: str) -> MakeRule:
    def make(lark: Lark) -> CallRule:
        text = lark.rule(f"{lark.text(quote)} {lark.until(quote)}")

        def call(tool: Tool) -> str:
            def pair(key: str) -> str:
                schema = lark.property(tool, key)
                value = _Values(lark, tool, schema, text, quote).value(schema, 0)
                return f"{lark.text(key + ':')} {value}"

            pairs = lark.parameters(tool, pair, '","', can_say=_can_say)
            return f'{lark.text(f"call:{tool.name}")} "{{" {pairs} "}}" {lark.text(closing)}'

        return CallRule(opening, lark.each(call), (opening,))

    return make


def _can_say(name: str) -> bool:
    return not any(mark in name for mark in (":", "}", '"', "<")) and name == name.strip()


@dataclass(frozen=True, slots=True)
class _Values:
    """Makes the rules of values, as the format writes them where a schema only declares them, else as JSON.

    Attributes:
        lark: The grammar.
        tool: The tool whose argument it is.
        root: The schema that references point into.
        text: The rule of any text in its marks.
        quote: The mark around texts.
    """

    lark: Lark
    tool: Tool
    root: Mapping[str, Any]
    text: str
    quote: str

    def value(self, schema: Any, depth: int) -> str:
        """The rule of a schema's value."""
        if not isinstance(schema, Mapping) or depth >= _MAX_RULE_DEPTH:
            return self._any()
        if choices := self.lark.scalars(schema):
            return self.lark.any_of(map(self._scalar, choices))
        known = Known(schema, self.root)
        if known.types == {"string"}:
            return self._text(schema)
        kind = schema.get("type")
        if isinstance(kind, list):
            return self.lark.any_of(self.value({**schema, "type": each}, depth) for each in kind)
        keys = schema.keys() & _KEYWORDS
        if keys == {"anyOf"}:
            return self.lark.any_of(self.value(each, depth + 1) for each in schema["anyOf"])
        if kind in ("integer", "number"):
            return self.lark.number(schema)
        return _SCALARS.get(str(kind)) or self._container(str(kind), schema, keys, depth)

    def _container(
        self, kind: str, schema: Mapping[str, Any], keys: AbstractSet[str], depth: int
    ) -> str:
        others = schema.get("additionalProperties", True)
        if kind == "array" and keys <= {"items"}:
            return self._list(self.value(schema.get("items"), depth + 1))
        if kind == "object" and keys <= _OF_MEMBERS:
            if schema.get("properties"):
                return self._members(schema, depth)
            if schema.get("patternProperties", _OPEN) == _OPEN and not schema.get("required"):
                value = None if isinstance(others, bool) else others
                return self._map(self.value(value, depth + 1))
        return self._json(schema) if keys or kind in ("array", "object") else self._any()

    def _list(self, item: str) -> str:
        item = self.lark.rule(item)
        return f'"[" ({item} ("," {item})*)? "]"'

    def _map(self, value: str) -> str:
        pair = self.lark.rule(f'/[A-Za-z_][A-Za-z0-9_-]*/ ":" {value}')
        return f'"{{" ({pair} ("," {pair})*)? "}}"'

    def _members(self, schema: Mapping[str, Any], depth: int) -> str:
        def pair(key: str) -> str:
            value = self.value(schema["properties"][key], depth + 1)
            return f"{self.lark.text(key + ':')} {value}"

        pairs = self.lark.members(schema, pair, '","', can_say=_can_say)
        return f'"{{" {pairs} "}}"'

    def _text(self, schema: Mapping[str, Any]) -> str:
        if not schema.keys() & _KEYWORDS:
            return self.text
        return f"{self.lark.text(self.quote)} {self.lark.raw(self.tool, schema, self.root, self.quote)}"

    def _scalar(self, written: str) -> str:
        """The rule of one value, given as JSON; texts stand between marks, with nothing escaped."""
        value = json.loads(written)
        is_text = isinstance(value, str)
        return self.lark.text(f"{self.quote}{value}{self.quote}" if is_text else written)

    def _json(self, schema: Mapping[str, Any]) -> str:
        return self.lark.json(schema, self.root)

    def _any(self) -> str:
        """Any value, two levels deep."""
        scalar = f"({self.text} | {' | '.join(_SCALARS.values())})"
        for _ in range(2):
            inner = self.lark.rule(scalar)
            scalar = f"({inner} | {self._list(inner)} | {self._map(inner)})"
        return self.lark.rule(scalar)


_OPEN = {"": True}
_OF_MEMBERS = {"properties", "required", "additionalProperties", "patternProperties"}
_KEYWORDS = {
    *("minLength", "maxLength", "pattern", "format", "enum", "const", "$ref", "allOf", "anyOf"),
    *("oneOf", "not", "if", "items", "prefixItems", "additionalItems", "contains", "minItems"),
    *("maxItems", "uniqueItems", "minProperties", "maxProperties", *_OF_MEMBERS),
}
"""What a schema may demand beside the type and the bounds of a number."""

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
