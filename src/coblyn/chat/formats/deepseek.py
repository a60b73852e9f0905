"""DeepSeek V3, R1 and V3.1: calls between tokens of their own; V3 and R1 have the arguments in a fenced block."""

from __future__ import annotations

from coblyn.chat.formats.format import Format, Situation
from coblyn.chat.formats.json_call import read_arguments
from coblyn.chat.formats.lark import CallRule, Lark
from coblyn.chat.formats.section import section
from coblyn.chat.formats.tagged import Tagged
from coblyn.chat.incoming import Incoming, Reading
from coblyn.chat.messages import Tool
from coblyn.chat.outgoing import Outgoing

__all__ = ["DEEPSEEK"]

_BEGIN, _END = "<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"
_CALL, _SEPARATOR, _CALL_END = "<｜tool▁call▁begin｜>", "<｜tool▁sep｜>", "<｜tool▁call▁end｜>"
_BEGINS = (
    _BEGIN,
    "<｜tool_calls_begin｜>",
    "<｜tool calls begin｜>",
    r"<｜tool\_calls\_begin｜>",
    _CALL,
)
_OUTPUTS = tuple(
    f"<｜tool▁{each}｜>" for each in ("outputs▁begin", "output▁begin", "output▁end", "outputs▁end")
)
"""Around results; a model that writes one of its own shows what it means by it."""


def _read_call(incoming: Incoming, out: Outgoing, situation: Situation) -> Reading[bool]:  # noqa: ARG001
    name, mark = yield from incoming.text_before(_SEPARATOR, _CALL, _CALL_END)
    if mark != _SEPARATOR:
        return False
    yield from incoming.accept(_SEPARATOR)
    yield from incoming.skip_space()
    fence = ""
    if name.strip() and (yield from incoming.accept(_CALL_END)):
        out.begin_call(name.strip())
        out.end_call()
        return True
    if (yield from incoming.peek(1)) != "{":  # the name follows the word "function"
        name, mark = yield from incoming.text_before("\n", "```", "{")
        yield from incoming.skip_space()
        fence = yield from incoming.accept_any("```json", "```")
        yield from incoming.skip_space()
    if not mark or not name.strip():
        return False
    out.begin_call(name.strip())
    if not (yield from read_arguments(incoming, out, _CALL_END)):
        return False
    out.end_call()
    yield from incoming.skip_space()
    if fence:
        yield from incoming.accept("```")
        yield from incoming.skip_space()
    yield from incoming.accept(_CALL_END)
    return True


def _rule(lark: Lark) -> CallRule:
    def fenced(tool: Tool) -> str:
        begin = lark.text(f"{_CALL}function{_SEPARATOR}{tool.name}\n```json\n")
        return f"{begin} {lark.arguments(tool)} {lark.text(chr(10) + '```' + _CALL_END)}"

    def plain(tool: Tool) -> str:
        begin = lark.text(f"{_CALL}{tool.name}{_SEPARATOR}")
        return f"{begin} {lark.arguments(tool)} {lark.text(_CALL_END)}"

    is_fenced = "```json" in lark.template
    call = lark.each(fenced if is_fenced else plain)
    body = f"{lark.listed(call, 'S' if is_fenced else '')} {lark.text(_END)}"
    return CallRule(_BEGIN, body, (_BEGIN,), is_block=True)


DEEPSEEK = Format(
    "deepseek",
    lambda template: "<｜tool▁" in template or "tool▁calls▁begin" in template,
    Tagged(dict.fromkeys(_BEGINS, section(_CALL, (_END,), _read_call)), hidden=_OUTPUTS),
    kept=(_BEGIN, _END, _CALL, _SEPARATOR, _CALL_END),
    make_rule=_rule,
)
