"""Command R+, R7B, North: JSON lists, behind ``Action:`` or between marks; the answer has marks of its own."""

from __future__ import annotations

from coblyn.chat.formats.format import Format, Situation, drop
from coblyn.chat.formats.json_call import CallKeys, read_call
from coblyn.chat.formats.json_list import list_behind
from coblyn.chat.formats.lark import CallRule, Lark
from coblyn.chat.formats.tagged import Tagged
from coblyn.chat.incoming import Incoming, Reading
from coblyn.chat.messages import Tool
from coblyn.chat.outgoing import Outgoing

__all__ = ["COMMAND_R", "COMMAND_R_PLUS"]

_ACTION, _ACTION_END = "<|START_ACTION|>", "<|END_ACTION|>"
_ANSWER = (
    "<|START_RESPONSE|>",
    "<|END_RESPONSE|>",
    "<|START_TEXT|>",
    "<|END_TEXT|>",
)
# Their ids start at 0 in each conversation, so they are not passed on.
_KEYS = CallKeys(("tool_name", "name"), ("parameters", "arguments"), ())
_NO_CALL = ("directly-answer", "directly_answer")


def _read_action(
    incoming: Incoming,
    out: Outgoing,
    situation: Situation,  # noqa: ARG001
    mark: str,
) -> Reading[None]:
    incoming.record(mark)
    yield from incoming.skip_space()
    fence = yield from incoming.accept_any("```json", "```")
    yield from incoming.skip_space()
    if not (yield from incoming.accept("[")) or not (yield from _read_calls(incoming, out)):
        yield from incoming.until(("```",), drop)
        out.broken(incoming.recorded())
        return
    yield from incoming.skip_space()
    if fence:
        yield from incoming.accept("```")


def _read_calls(incoming: Incoming, out: Outgoing) -> Reading[bool]:
    while True:
        yield from incoming.skip_space()
        if (yield from incoming.accept("]")):
            return True
        if not (yield from read_call(incoming, out, _KEYS, ignores=_NO_CALL)):
            return False
        yield from incoming.skip_space()
        yield from incoming.accept(",")


def _rule(lark: Lark) -> CallRule:
    number = r'"\"tool_call_id\"" S ":" S /"[0-9]{1,3}"/ S "," S'
    return _rule_of(lark, _ACTION, number, lark.text(_ACTION_END), "S")


def _rule_of_plan(lark: Lark) -> CallRule:
    return _rule_of(lark, "Action:", "", lark.text("```"), 'S "```json" S')


def _rule_of(lark: Lark, mark: str, before: str, closing: str, opening: str) -> CallRule:
    def call(tool: Tool) -> str:
        return lark.call(tool, name="tool_name", arguments="parameters", before=before)

    calls = lark.listed(lark.each(call), 'S "," S')
    body = f'{opening} "[" S {calls} S "]" S {closing}'
    return CallRule(mark, body, (mark,), is_block=True)


COMMAND_R = Format(
    "command-r",
    lambda template: _ACTION in template or "<|START_RESPONSE|>" in template,
    Tagged({_ACTION: list_behind(_ACTION_END, keys=_KEYS)}, dropped=_ANSWER, tags=("<co", "</co")),
    kept=(_ACTION, _ACTION_END, *_ANSWER),
    make_rule=_rule,
    answers=("<|START_RESPONSE|>", "<|START_TEXT|>"),
    marks_content=True,
)

COMMAND_R_PLUS = Format(
    "command-r-plus",
    lambda template: "Action:" in template and "tool_name" in template,
    Tagged({"Action:": _read_action}),
    make_rule=_rule_of_plan,
)
