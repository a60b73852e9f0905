"""GLM 4.5 to 5: a name, then pairs of ``<arg_key>`` and ``<arg_value>``, within ``<tool_call>``."""

from __future__ import annotations

from coblyn.chat.formats.format import Format, Situation, drop
from coblyn.chat.formats.hermes import read_object
from coblyn.chat.formats.lark import CallRule, Lark
from coblyn.chat.formats.tagged import Tagged
from coblyn.chat.formats.values import Arguments, json_of_text, types_of
from coblyn.chat.incoming import Incoming, Reading
from coblyn.chat.messages import Tool
from coblyn.chat.outgoing import Outgoing

__all__ = ["GLM"]

_OPENING, _CLOSING = "<tool_call>", "</tool_call>"
_KEY, _KEY_END, _VALUE, _VALUE_END = "<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>"
_LINE = "\\n"
"""A line break that some models write as its escape."""
_NAME_ENDS = ("\n", _KEY, _CLOSING)
_AFTER_NAME = (*_NAME_ENDS, *(f"{_LINE}{mark}" for mark in _NAME_ENDS))
_AFTER_VALUE = (_VALUE_END, _KEY, _CLOSING, f"\n{_KEY}", f"\n{_CLOSING}")


def _read(incoming: Incoming, out: Outgoing, situation: Situation, mark: str) -> Reading[None]:
    incoming.record(mark)
    yield from incoming.skip_space()
    if (yield from incoming.peek(1)) == "{":
        yield from read_object(incoming, out)
    elif not (yield from _read_call(incoming, out, situation)):
        yield from incoming.until((_CLOSING,), drop)
        out.broken(incoming.recorded())


def _read_call(incoming: Incoming, out: Outgoing, situation: Situation) -> Reading[bool]:
    name, mark = yield from incoming.text_before(*_AFTER_NAME)
    name = name.strip()
    if not name or (not mark and name not in situation.tools):
        return False
    out.begin_call(name)
    arguments, tool = Arguments(out), situation.tools.get(name)
    while True:
        yield from _skip_lines(incoming)
        if not (yield from incoming.accept(_KEY)):
            break
        key, mark = yield from incoming.text_until(_KEY_END)
        if not mark or not (yield from _read_value(incoming, arguments, tool, key.strip())):
            return False
    if not (yield from incoming.accept(_CLOSING)) and not arguments.are_enough(tool):
        return False
    arguments.end()
    return True


def _read_value(
    incoming: Incoming, arguments: Arguments, tool: Tool | None, key: str
) -> Reading[bool]:
    """Read a value, of which models forget one mark at times: the next mark ends it then."""
    yield from _skip_lines(incoming)
    is_opened = yield from incoming.accept(_VALUE)
    arguments.begin(key)
    types = types_of(tool, key)
    parts: list[str] = []
    is_text = types == {"string"}
    say = arguments.text if is_text else parts.append
    if is_text:
        arguments.quote()
    while (mark := (yield from incoming.before(_AFTER_VALUE, say))) != _VALUE_END:
        if not mark or not is_opened:
            return False
        if (yield from _is_next(incoming, mark)):
            break
        say(incoming.take(len(mark)))
    incoming.take(len(_VALUE_END) if mark == _VALUE_END else 0)
    if is_text:
        arguments.quote()
    else:
        arguments.value(json_of_text("".join(parts), types))
    return True


def _skip_lines(incoming: Incoming) -> Reading[None]:
    """Read the whitespace between two marks."""
    yield from incoming.skip_space()
    while (yield from incoming.accept(_LINE)):
        yield from incoming.skip_space()


def _is_next(incoming: Incoming, mark: str) -> Reading[bool]:
    """Whether a mark within a value follows it, rather than being part of it: its own mark does not come any more."""
    if mark.endswith(_CLOSING):
        return (yield from incoming.first_of(_VALUE_END, _OPENING)) != _VALUE_END
    return (yield from incoming.first_of(_VALUE, _VALUE_END)) == _VALUE


def _can_say(name: str) -> bool:
    return _KEY_END not in name and name == name.strip()


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
