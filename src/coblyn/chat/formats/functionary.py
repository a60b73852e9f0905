"""Functionary 3.1: ``<function=NAME>{…}</function>``; 3.2: blocks behind ``>>>NAME``, of which ``all`` is content."""

from __future__ import annotations

from coblyn.chat.formats.format import Format, Situation, drop
from coblyn.chat.formats.json_call import read_arguments
from coblyn.chat.formats.lark import CallRule, Lark
from coblyn.chat.formats.tagged import Tagged
from coblyn.chat.formats.values import required_of
from coblyn.chat.incoming import Incoming, Reading
from coblyn.chat.messages import Tool
from coblyn.chat.outgoing import Outgoing

__all__ = ["FUNCTIONARY", "FUNCTIONARY_BLOCKS"]

_OPENING, _CLOSING, _BLOCK = "<function=", "</function>", ">>>"


def _read_tag(incoming: Incoming, out: Outgoing, situation: Situation, mark: str) -> Reading[None]:  # noqa: ARG001
    incoming.record(mark)
    name, mark = yield from incoming.text_until(">")
    if mark and name.strip():
        out.begin_call(name.strip())
        yield from incoming.skip_space()
        is_empty = yield from incoming.comes(_CLOSING)
        if is_empty or (yield from read_arguments(incoming, out)):
            out.end_call()
            yield from incoming.accept_behind_space(_CLOSING)
            return
    yield from incoming.until((_CLOSING,), drop)
    out.broken(incoming.recorded())


def _read_blocks(incoming: Incoming, out: Outgoing, situation: Situation) -> Reading[None]:
    """Read blocks. The mark of the first stands in the prompt."""
    yield from incoming.accept(_BLOCK)
    while (yield from incoming.peek(1)):
        incoming.record()
        name, mark = yield from incoming.text_until("\n", "{")
        name = name.strip()
        out.border()
        if name == "all" or name not in situation.tools:
            out.content("" if name == "all" else name + mark)
            yield from incoming.before((_BLOCK,), out.content)
        else:
            yield from _read_block(incoming, out, situation.tools[name], mark)
        out.border()
        yield from incoming.accept(_BLOCK)


def _read_block(incoming: Incoming, out: Outgoing, tool: Tool, mark: str) -> Reading[None]:
    out.begin_call(tool.name)
    if mark == "{":
        incoming.put_back("{")
    yield from incoming.skip_space()
    if (yield from incoming.peek(1)) == "{":
        is_whole = yield from read_arguments(incoming, out)
        yield from incoming.before((_BLOCK,), drop)
    else:  # a program as it is
        code, _ = yield from incoming.text_before(_BLOCK)
        is_whole = bool(code.strip()) or not required_of(tool)
        if code.strip():
            out.program(code.strip())
    if is_whole:
        out.end_call()
    else:
        out.broken(incoming.recorded())


def _rule(lark: Lark) -> CallRule:
    def call(tool: Tool) -> str:
        return f"{lark.text(tool.name + '>')} {lark.arguments(tool)} {lark.text(_CLOSING)}"

    return CallRule(_OPENING, lark.each(call), (_OPENING,))


def _rule_of_block(lark: Lark) -> CallRule:
    def call(tool: Tool) -> str:
        return f"{lark.text(tool.name + chr(10))} {lark.arguments(tool)}"

    calls = lark.listed(lark.each(call), lark.text(_BLOCK))
    return CallRule("", calls, (), is_block=True)


FUNCTIONARY = Format(
    "functionary-3.1",
    lambda template: _OPENING in template and "start_tag" in template,
    Tagged({_OPENING: _read_tag}),
    make_rule=_rule,
)

FUNCTIONARY_BLOCKS = Format(
    "functionary-3.2",
    lambda template: ">>>all" in template,
    _read_blocks,
    make_rule=_rule_of_block,
    marks_content=True,
)
