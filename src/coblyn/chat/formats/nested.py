"""MiniMax M3: XML with a mark before each tag, in which arguments, their members and items are elements."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from coblyn.chat.formats.format import Format, Situation
from coblyn.chat.formats.lark import CallRule, Lark
from coblyn.chat.formats.section import section
from coblyn.chat.formats.tagged import Tagged
from coblyn.chat.formats.values import Arguments, Known, json_of_text, read_value
from coblyn.chat.incoming import Incoming, Reading
from coblyn.chat.messages import Tool
from coblyn.chat.outgoing import Outgoing

__all__ = ["MINIMAX_NESTED"]

_MARK = "]<]minimax[>["
_BLOCK, _BLOCK_END = f"{_MARK}<tool_call>", f"{_MARK}</tool_call>"
_INVOKE, _INVOKE_END = f"{_MARK}<invoke", f"{_MARK}</invoke>"
_ITEM = "item"
_MAX_DEPTH = 32
_TEXT = frozenset({"string"})


def _read_invoke(incoming: Incoming, out: Outgoing, situation: Situation) -> Reading[bool]:
    """Read what follows ``<invoke``. Gives whether it is complete."""
    text, mark = yield from incoming.text_until(">")
    name = text.strip().removeprefix("name=").strip("\"'")
    if not mark or not name:
        return False
    out.begin_call(name)
    arguments, tool = Arguments(out), situation.tools.get(name)
    schema = tool.parameters if tool else {}
    known = Known(schema, schema)
    while not (yield from _ends(incoming)):
        key = yield from _opening(incoming)
        if not key:
            return arguments.are_enough(tool) and _finish(arguments)
        arguments.begin(key)
        if not (yield from _read_argument(incoming, arguments, known.member(key), key)):
            return False
    yield from incoming.accept(_INVOKE_END)
    return _finish(arguments)


def _finish(arguments: Arguments) -> bool:
    arguments.end()
    return True


def _ends(incoming: Incoming) -> Reading[bool]:
    yield from incoming.skip_space()
    return (yield from incoming.comes_any(_INVOKE_END, _BLOCK_END))


def _opening(incoming: Incoming) -> Reading[str]:
    """Read an opening tag, and give its name; empty if there is none."""
    if not (yield from incoming.accept(_MARK)):
        return ""
    yield from incoming.skip_space()
    if not (yield from incoming.accept("<")):
        return ""
    name, mark = yield from incoming.text_until(">")
    return name.strip() if mark else ""


def _read_argument(
    incoming: Incoming, arguments: Arguments, known: Known, key: str
) -> Reading[bool]:
    """Read an argument and its closing tag. A text is emitted as it arrives."""
    closing = f"{_MARK}</{key}>"
    if known.types == _TEXT:
        mark = yield from read_value(incoming, arguments, _TEXT, (closing,), trims_line=False)
        return bool(mark)
    value = yield from _value(incoming, known, closing, 0)
    if value is not None:
        arguments.value(value)
    return value is not None


def _value(incoming: Incoming, known: Known, closing: str, depth: int) -> Reading[str | None]:
    """Read a value and its closing tag. Gives it as JSON; None if it is not complete."""
    if depth > _MAX_DEPTH:
        return None
    space = yield from incoming.space()
    is_leaf = (yield from incoming.comes(closing)) or not (yield from incoming.comes(_MARK))
    if is_leaf or known.types == _TEXT:
        text, mark = yield from incoming.text_until(closing)
        return _leaf(space + text, known) if mark else None
    members: dict[str, list[str]] = {}
    while not (yield from incoming.accept(closing)):
        name = yield from _opening(incoming)
        if not name or name.startswith("/"):
            return None
        inner = known.item() if _is_list([name], known) else known.member(name)
        found = yield from _value(incoming, inner, f"{_MARK}</{name}>", depth + 1)
        if found is None:
            return None
        members.setdefault(name, []).append(found)
        yield from incoming.skip_space()
    return _container(members, known)


def _leaf(text: str, known: Known) -> str:
    types = _TEXT if known.schema is None else known.types
    if not text.strip() and "string" not in types and types & {"array", "object"}:
        return "[]" if "array" in types else "{}"
    return json_of_text(text, types)


def _is_list(names: Collection[str], known: Known) -> bool:
    """Whether elements of these names are the items of a list."""
    return set(names) == {_ITEM} and (known.schema is None or "array" in known.types)


def _container(members: Mapping[str, list[str]], known: Known) -> str:
    """JSON of a list, or of an object, in which several members of one name are a list."""
    if _is_list(members, known):
        return f"[{', '.join(members[_ITEM])}]"
    shown = (
        f"{json.dumps(name, ensure_ascii=False)}: "
        + (found[0] if len(found) == 1 else f"[{', '.join(found)}]")
        for name, found in members.items()
    )
    return f"{{{', '.join(shown)}}}"


def _can_say(name: str) -> bool:
    return bool(name) and name == name.strip() and not set(name) & set("<>/")


def _rule(lark: Lark) -> CallRule:
    def invoke(tool: Tool) -> str:
        def parameter(key: str) -> str:
            schema = lark.property(tool, key)
            return _Elements(lark, tool, schema).element(schema, key, 0)

        begin = lark.text(f'\n{_INVOKE} name="{tool.name}">')
        body = lark.parameters(tool, parameter, can_say=_can_say)
        return f"{begin} {body} {lark.text(_INVOKE_END)}"

    end = lark.text(f"\n{_BLOCK_END}")
    body = f"{lark.listed(lark.each(invoke), '')} {end}"
    return CallRule(_BLOCK, body, (_BLOCK,), is_block=True)


@dataclass(frozen=True, slots=True)
class _Elements:
    """Makes the rules of elements.

    Attributes:
        lark: The grammar.
        tool: The tool whose argument it is.
        root: The schema that references point into.
    """

    lark: Lark
    tool: Tool
    root: Mapping[str, Any]

    def element(self, schema: Any, name: str, depth: int) -> str:
        """The rule of an element with its value."""
        value = self._value(schema, f"{_MARK}</{name}>", depth)
        return self.lark.rule(f"{self.lark.text(f'{_MARK}<{name}>')} {value}")

    def _value(self, schema: Any, closing: str, depth: int) -> str:
        """The rule of a value and its closing tag: elements where a schema only declares them, else JSON."""
        lark, end = self.lark, self.lark.text(closing)
        declared = schema if isinstance(schema, Mapping) and depth < _MAX_RULE_DEPTH else {}
        keys = set(declared) - _SAYS_NOTHING
        if Known(schema, self.root).types == _TEXT:
            return lark.raw(self.tool, schema, self.root, closing)
        match declared.get("type"):
            case "array" if keys == {"items"} and declared["items"]:
                return f"{self.element(declared['items'], _ITEM, depth + 1)}* {end}"
            case "object" if "properties" in keys and keys <= _OF_MEMBERS:

                def member(name: str) -> str:
                    return self.element(declared["properties"][name], name, depth + 1)

                return f"{lark.members(declared, member, '', can_say=_can_say)} {end}"
        whole = schema if isinstance(schema, Mapping) else {}
        return f"S {lark.json(whole, self.root)} S {end}"


_MAX_RULE_DEPTH = 8
_SAYS_NOTHING = {"type", "title", "description", "default", "examples", "$defs", "definitions"}
_OF_MEMBERS = {"properties", "required", "additionalProperties", "patternProperties"}

MINIMAX_NESTED = Format(
    "minimax-m3",
    lambda template: _MARK in template,
    Tagged(dict.fromkeys((_BLOCK, _INVOKE), section(_INVOKE, (_BLOCK_END,), _read_invoke))),
    kept=(_MARK, "<tool_call>", "</tool_call>"),
    make_rule=_rule,
)
