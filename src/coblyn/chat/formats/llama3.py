"""Llama 3.1 to 3.3: a reply that is a JSON object, or Python behind ``<|python_tag|>``."""

from __future__ import annotations

import json
from typing import Any

from coblyn.chat.formats.format import Format, Situation
from coblyn.chat.formats.json_call import read_call
from coblyn.chat.formats.lark import CallRule, Lark
from coblyn.chat.formats.pythonic import read_keywords
from coblyn.chat.formats.tagged import Tagged
from coblyn.chat.formats.values import required_of
from coblyn.chat.incoming import Incoming, Reading
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


def _read_inner(
    incoming: Incoming,
    out: Outgoing,
    situation: Situation,
    mark: str,  # noqa: ARG001
) -> Reading[None]:
    """Read an object within a text. One that is quoted rarely is as complete as one that is meant."""
    parts: list[str] = []
    is_whole = yield from incoming.json(parts.append)
    call = _call_of("".join(parts), situation) if is_whole else None
    if call is None:
        out.broken("".join(parts))
        return
    out.whole_call(*call)
    yield from incoming.skip_space()
    yield from incoming.accept(";")


def _call_of(text: str, situation: Situation) -> tuple[str, dict[str, Any]] | None:
    """The call that an object is: nothing but a known tool's name and all arguments that it requires."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    arguments = found.get("parameters")
    tool = situation.tools.get(found["name"])
    if tool is None or found.keys() != {"name", "parameters"} or not isinstance(arguments, dict):
        return None
    return (tool.name, arguments) if arguments.keys() >= set(required_of(tool)) else None


def _rule(lark: Lark) -> CallRule:
    """An object that makes a call; if no call is required, any other object too."""
    calls = lark.listed(lark.calls(arguments="parameters"), '"; "')
    return CallRule("", calls, (), is_block=True)


LLAMA3 = Format(
    "llama3",
    lambda template: (
        "<|start_header_id|>" in template and ('"parameters": ' in template or _TAG in template)
    ),
    Tagged(
        {_TAG: _read_python}, start=_read_objects, named='{"name": "NAME"', read_named=_read_inner
    ),
    kept=(_TAG,),
    make_rule=_rule,
)
