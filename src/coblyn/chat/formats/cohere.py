"""Command R+, R7B, North: JSON lists, behind ``Action:`` or between marks; the answer has marks of its own."""

from __future__ import annotations

from coblyn.chat.formats.format import Format, Situation, drop
from coblyn.chat.formats.json_call import CallKeys, read_call
from coblyn.chat.formats.json_list import list_behind
from coblyn.chat.formats.tagged import Tagged
from coblyn.chat.incoming import Incoming, Reading
from coblyn.chat.outgoing import Outgoing

__all__ = ["COMMAND_R", "COMMAND_R_PLUS"]

_ACTION, _ACTION_END = "<|START_ACTION|>", "<|END_ACTION|>"
_ANSWER = (
    "<|START_RESPONSE|>",
    "<|END_RESPONSE|>",
    "<|START_TEXT|>",
    "<|END_TEXT|>",
)
# Their ids count from 0 in each conversation, so they are not handed on.
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


COMMAND_R = Format(
    "command-r",
    lambda template: _ACTION in template or "<|START_RESPONSE|>" in template,
    Tagged({_ACTION: list_behind(_ACTION_END, keys=_KEYS)}, dropped=_ANSWER),
    kept=(_ACTION, _ACTION_END, *_ANSWER),
    marks_content=True,
)

COMMAND_R_PLUS = Format(
    "command-r-plus",
    lambda template: "Action:" in template and "tool_name" in template,
    Tagged({"Action:": _read_action}),
)
