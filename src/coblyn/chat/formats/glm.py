"""GLM 4.5 to 5: a name, then pairs of ``<arg_key>`` and ``<arg_value>``, within ``<tool_call>``."""

from __future__ import annotations

from coblyn.chat.formats.format import Format, Situation, drop
from coblyn.chat.formats.hermes import read_object
from coblyn.chat.formats.lark import CallRule, Lark
from coblyn.chat.formats.tagged import Tagged
from coblyn.chat.formats.values import Arguments, read_value, types_of
from coblyn.chat.incoming import Incoming, Reading
from coblyn.chat.messages import Tool
from coblyn.chat.outgoing import Outgoing

__all__ = ["GLM"]

_OPENING, _CLOSING, _KEY = "<tool_call>", "</tool_call>", "<arg_key>"


def _read(incoming: Incoming, out: Outgoing, situation: Situation, mark: str) -> Reading[None]:
    incoming.record(mark)
    yield from incoming.skip_space()
    if (yield from incoming.peek(1)) == "{":
        yield from read_object(incoming, out)
    elif not (yield from _read_call(incoming, out, situation)):
        yield from incoming.until((_CLOSING,), drop)
        out.broken(incoming.recorded())


def _read_call(incoming: Incoming, out: Outgoing, situation: Situation) -> Reading[bool]:
    name, mark = yield from incoming.text_before("\n", _KEY, _CLOSING)
    name = name.strip()
    if not name or (not mark and name not in situation.tools):
        return False
    out.begin_call(name)
    arguments, tool = Arguments(out), situation.tools.get(name)
    while True:
        yield from incoming.skip_space()
        if not (yield from incoming.accept(_KEY)):
            break
        key, mark = yield from incoming.text_until("</arg_key>")
        yield from incoming.skip_space()
        if not mark or not (yield from incoming.accept("<arg_value>")):
            return False
        key = key.strip()
        arguments.begin(key)
        types = types_of(tool, key)
        if not (
            yield from read_value(incoming, arguments, types, ("</arg_value>",), trims_line=False)
        ):
            return False
    if not (yield from incoming.accept(_CLOSING)) and not arguments.are_enough(tool):
        return False
    arguments.end()
    return True


def _can_say(name: str) -> bool:
    return "</arg_key>" not in name and name == name.strip()


def _rule(lark: Lark) -> CallRule:
    def call(tool: Tool) -> str:
        def parameter(key: str) -> str:
            value = lark.value(tool, key, "</arg_value>")
            begin = f"{lark.text(f'{_KEY}{key}</arg_key>')} S {lark.text('<arg_value>')}"
            return f"S {begin} {value}"

        end = f"S {lark.text(_CLOSING)}"
        return f"{lark.text(tool.name)} {lark.parameters(tool, parameter, can_say=_can_say)} {end}"

    return CallRule(_OPENING, lark.each(call), (_OPENING,))


GLM = Format(
    "glm",
    lambda template: _KEY in template,
    Tagged({_OPENING: _read}),
    kept=(_OPENING, _CLOSING, _KEY, "</arg_key>", "<arg_value>", "</arg_value>"),
    make_rule=_rule,
)
