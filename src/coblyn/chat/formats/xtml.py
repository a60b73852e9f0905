"""Kimi K3: XTML, elements whose tags stand between special tokens; arguments say their types."""

from __future__ import annotations

import re

from coblyn.chat.formats.format import Format, Situation
from coblyn.chat.formats.json_call import read_arguments
from coblyn.chat.formats.lark import CallRule, Lark
from coblyn.chat.formats.section import section
from coblyn.chat.formats.tagged import Tagged
from coblyn.chat.formats.values import Arguments, read_value, types_of
from coblyn.chat.incoming import Incoming, Reading
from coblyn.chat.messages import Tool
from coblyn.chat.outgoing import Outgoing
from coblyn.chat.reasoning import Reasoning

__all__ = ["KIMI_XTML"]

_OPEN, _CLOSE, _SEPARATOR = "<|open|>", "<|close|>", "<|sep|>"
_ATTRIBUTE = re.compile(r'(\w+)="([^"]*)"')


def _opening(text: str) -> str:
    return f"{_OPEN}{text}{_SEPARATOR}"


def _closing(name: str) -> str:
    return f"{_CLOSE}{name}{_SEPARATOR}"


_TOOLS, _ANSWER = _opening("tools"), _opening("response")
_CALL, _ARGUMENT, _JSON = f"{_OPEN}call ", f"{_OPEN}argument ", f"{_OPEN}json"
_ENDS = (_closing("tools"), _closing("message"))


def _read_call(incoming: Incoming, out: Outgoing, situation: Situation) -> Reading[bool]:
    """Read a call from after its mark. Gives whether it is complete."""
    name = (yield from _attributes(incoming)).get("tool")
    if not name:
        return False
    out.begin_call(name)
    yield from incoming.skip_space()
    if (yield from incoming.accept(_JSON)):
        return (yield from _read_json(incoming, out))
    arguments, tool = Arguments(out), situation.tools.get(name)
    while (yield from incoming.accept(_ARGUMENT)):
        if not (yield from _read_argument(incoming, arguments, tool)):
            return False
        yield from incoming.skip_space()
    is_closed = yield from incoming.accept(_closing("call"))
    if not is_closed:
        is_closed = yield from incoming.comes_any(*_ENDS)
    if not is_closed and not arguments.are_enough(tool):
        return False
    arguments.end()
    return True


def _read_json(incoming: Incoming, out: Outgoing) -> Reading[bool]:
    """Read all arguments of a call as one JSON object."""
    yield from incoming.text_until(_SEPARATOR)
    yield from incoming.skip_space()
    if not (yield from read_arguments(incoming, out)):
        return False
    for name in ("json", "call"):
        yield from incoming.skip_space()
        yield from incoming.accept(_closing(name))
    out.end_call()
    return True


def _read_argument(incoming: Incoming, arguments: Arguments, tool: Tool | None) -> Reading[bool]:
    attributes = yield from _attributes(incoming)
    key, kind = attributes.get("key"), attributes.get("type")
    if not key:
        return False
    types = frozenset({kind}) if kind else types_of(tool, key)
    arguments.begin(key)
    closings = (_closing("argument"),)
    mark = yield from read_value(incoming, arguments, types, closings, trims_line=False)
    return bool(mark)


def _attributes(incoming: Incoming) -> Reading[dict[str, str]]:
    """Read a tag's attributes and its end; none if the end is missing."""
    text, _ = yield from incoming.text_before(_SEPARATOR, _OPEN, _CLOSE)
    found = _ATTRIBUTE.findall(text) if (yield from incoming.accept(_SEPARATOR)) else ()
    return {name: value.replace("&quot;", '"').replace("&amp;", "&") for name, value in found}


def _escaped(value: str) -> str:
    return value.replace("&", "&amp;").replace('"', "&quot;")


def _rule(lark: Lark) -> CallRule:
    def call(tool: Tool) -> str:
        begin = lark.text(f'{_CALL}tool="{_escaped(tool.name)}" index="')
        opened = f"{begin} /[1-9][0-9]{{0,3}}/ {lark.text(chr(34) + _SEPARATOR)}"
        return f"{opened} {_arguments(lark, tool)} {lark.text(_closing('call'))}"

    answer = lark.until(_closing("response"), without=(_OPEN,))
    calls = lark.listed(lark.each(call), "")
    return CallRule(
        _TOOLS,
        f"{calls} {lark.text(_ENDS[0])} ({lark.text(_ENDS[1])})?",
        (_TOOLS,),
        is_block=True,
        between=f"({lark.text(_ANSWER)})? {answer}",
    )


def _arguments(lark: Lark, tool: Tool) -> str:
    """The rule of the arguments: an element each, or one JSON object if it is open of which type one is."""
    types = {key: _xtml_types(tool, key) for key in lark.names(tool)}

    def argument(key: str) -> str:
        begin = lark.text(f'{_ARGUMENT}key="{_escaped(key)}" type="{types[key][0]}"{_SEPARATOR}')
        return f"{begin} {lark.value(tool, key, _closing('argument'))}"

    if types and all(len(each) == 1 for each in types.values()):
        return lark.parameters(tool, argument, can_say=bool)
    begin, end = lark.text(f'{_JSON} type="object"{_SEPARATOR}'), lark.text(_closing("json"))
    body = f"{begin} {lark.arguments(tool)} {end}"
    return body if types else f"({body})?"


def _xtml_types(tool: Tool, key: str) -> list[str]:
    """The types that an argument may have, as XTML names them."""
    return sorted({"number" if each == "integer" else each for each in types_of(tool, key)})


_SECTION = section(_CALL, _ENDS[:1], _read_call)

KIMI_XTML = Format(
    "kimi-k3",
    lambda template: _OPEN in template and _SEPARATOR in template,
    Tagged(
        {_TOOLS: _SECTION, _CALL: _SECTION},
        dropped=(_ANSWER, _closing("response"), *_ENDS),
        ends_reasoning=(_TOOLS, _CALL),
    ),
    kept=(_OPEN, _CLOSE, _SEPARATOR),
    make_rule=_rule,
    answers=(_ANSWER,),
    marks_content=True,
    reasoning=Reasoning(_opening("think"), _closing("think"), _ANSWER),
)
