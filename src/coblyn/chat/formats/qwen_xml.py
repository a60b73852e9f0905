"""Qwen3-Coder, Qwen 3.5, Nemotron 3, Step 3.5, Seed-OSS: XML in which tags hold names, ``<function=NAME>``.

Tags are not escaped in values, so the first possible closing tag ends a value. Missing closing tags are tolerated.
"""

from __future__ import annotations

from coblyn.chat.formats.format import Format, Situation
from coblyn.chat.formats.hermes import read_object
from coblyn.chat.formats.lark import CallRule, Lark, MakeRule
from coblyn.chat.formats.tagged import Tagged
from coblyn.chat.formats.values import Arguments, read_value, types_of
from coblyn.chat.incoming import Incoming, Reading
from coblyn.chat.messages import Tool
from coblyn.chat.outgoing import Outgoing

__all__ = ["QWEN_XML", "SEED"]

_FUNCTION, _PARAMETER = "<function=", "<parameter="
_END = "</function>"
_ENDS_OF_CALL = ("</tool_call>", "</seed:tool_call>")
_ENDS_OF_VALUE = ("</parameter>", "\n" + _PARAMETER, "\n" + _END)


def _read(incoming: Incoming, out: Outgoing, situation: Situation, mark: str) -> Reading[None]:
    incoming.record(mark)
    yield from incoming.skip_space()
    if mark != _FUNCTION and (yield from incoming.peek(1)) == "{":
        yield from read_object(incoming, out)
        return
    if mark != _FUNCTION and not (yield from incoming.accept(_FUNCTION)):
        out.broken(incoming.recorded())
        return
    if not (yield from _read_function(incoming, out, situation)):
        yield from incoming.before(("<tool_call>", "<seed:tool_call>"), lambda _: None)
        out.broken(incoming.recorded())
        return
    yield from incoming.accept_behind_space(*_ENDS_OF_CALL)


def _read_function(incoming: Incoming, out: Outgoing, situation: Situation) -> Reading[bool]:
    """Read what follows ``<function=``. Gives whether it is complete."""
    name, mark = yield from incoming.text_until(">", "\n")
    name = name.strip().strip("\"'")
    if mark != ">" or not name:
        return False
    out.begin_call(name)
    arguments, tool = Arguments(out), situation.tools.get(name)
    yield from incoming.skip_space()
    mark = yield from incoming.accept_any(_PARAMETER, _END)
    while mark == _PARAMETER:
        key, mark = yield from incoming.text_until(">")
        key = key.strip().strip("\"'")
        if not mark:
            return False
        arguments.begin(key)
        mark = yield from read_value(incoming, arguments, types_of(tool, key), _ENDS_OF_VALUE)
        if not mark:
            return False
        if mark == "</parameter>":
            yield from incoming.skip_space()
            mark = yield from incoming.accept_any(_PARAMETER, _END)
        mark = mark.strip()
    is_closed = mark == _END or (yield from incoming.comes_any(*_ENDS_OF_CALL))
    if not is_closed and not arguments.are_enough(tool):
        return False
    arguments.end()
    return True


def _can_say(name: str) -> bool:
    return ">" not in name and name == name.strip().strip("\"'")


def _rule_of(block: str, line: str) -> MakeRule:
    """The rule of calls in a block of that name, with or without line breaks around values."""
    opening, closing = f"<{block}>", f"</{block}>"

    def make(lark: Lark) -> CallRule:
        def call(tool: Tool) -> str:
            def parameter(key: str) -> str:
                closing = f"{line}</parameter>"
                value = lark.value(tool, key, closing, _ENDS_OF_VALUE[1:], trims=not line)
                return f"{lark.text(f'{_PARAMETER}{key}>{line}')} {value} {lark.text(chr(10))}"

            begin = lark.text(f"\n{_FUNCTION}{tool.name}>\n")
            end = lark.text(f"{_END}\n{closing}")
            return f"{begin} {lark.parameters(tool, parameter, can_say=_can_say)} {end}"

        return CallRule(opening, lark.each(call), (opening,))

    return make


QWEN_XML = Format(
    "qwen-xml",
    lambda template: "<function=" in template and "<tool_call>" in template,
    Tagged({"<tool_call>": _read, _FUNCTION: _read}),
    kept=("<tool_call>", "</tool_call>"),
    make_rule=_rule_of("tool_call", "\n"),
)

SEED = Format(
    "seed",
    lambda template: "<seed:tool_call>" in template,
    Tagged({"<seed:tool_call>": _read, _FUNCTION: _read}),
    kept=("<seed:tool_call>", "</seed:tool_call>"),
    make_rule=_rule_of("seed:tool_call", ""),
)
