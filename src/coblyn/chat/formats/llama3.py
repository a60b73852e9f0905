"""Llama 3.1 to 3.3: a reply that is a JSON object, or Python behind ``<|python_tag|>``."""

from __future__ import annotations

from coblyn.chat.formats.format import Format, Situation
from coblyn.chat.formats.json_call import read_call
from coblyn.chat.formats.lark import CallRule, Lark
from coblyn.chat.formats.pythonic import read_keywords
from coblyn.chat.formats.tagged import Tagged
from coblyn.chat.incoming import Incoming, Reading
from coblyn.chat.messages import Tool
from coblyn.chat.outgoing import Outgoing

__all__ = ["LLAMA3"]

_TAG = "<|python_tag|>"
_INTERPRETERS = ("python", "code_interpreter", "ipython")


def _read_objects(incoming: Incoming, out: Outgoing, situation: Situation) -> Reading[None]:
    """Read objects separated by semicolons. An object that does not call a known tool is content."""
    incoming.record()
    yield from incoming.skip_space()
    while (yield from incoming.peek(1)) == "{":
        if not (yield from read_call(incoming, out, knows=situation.tools)):
            break
        incoming.record()
        yield from incoming.skip_space()
        yield from incoming.accept(";")
        yield from incoming.skip_space()
    out.broken(incoming.recorded())


def _read_python(
    incoming: Incoming, out: Outgoing, situation: Situation, mark: str
) -> Reading[None]:
    """Read what follows the tag: an object, a call of a built-in tool, or a program."""
    yield from incoming.skip_space()
    if (yield from incoming.peek(1)) == "{":
        yield from _read_objects(incoming, out, situation)
        return
    incoming.record(mark)
    text, mark = yield from incoming.text_before("(", "\n", " ")
    name = text.removesuffix(".call")
    if mark == "(" and name in situation.tools:
        incoming.take(1)
        out.begin_call(name)
        if not (yield from read_keywords(incoming, out, situation.tools[name])):
            out.broken(incoming.recorded())
        return
    interpreter = next((each for each in _INTERPRETERS if each in situation.tools), "")
    parts = [text]
    yield from incoming.rest(parts.append)
    if interpreter:
        out.whole_call(interpreter, {"code": "".join(parts)})
    else:
        out.broken(incoming.recorded())


def _rule(lark: Lark) -> CallRule:
    """An object that makes a call; if no call is required, any other object too."""

    def call(tool: Tool) -> str:
        return lark.call(tool, arguments="parameters")

    return CallRule("", lark.listed(lark.each(call), '"; "'), (), is_block=True)


LLAMA3 = Format(
    "llama3",
    lambda template: (
        "<|start_header_id|>" in template and ('"parameters": ' in template or _TAG in template)
    ),
    Tagged({_TAG: _read_python}, start=_read_objects),
    kept=(_TAG,),
    make_rule=_rule,
)
