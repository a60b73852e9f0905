"""Apertus: a list of objects whose only key is the tool's name, between marks of its own."""

from __future__ import annotations

import json

from coblyn.chat.formats.format import Format, Situation, drop
from coblyn.chat.formats.json_call import read_arguments
from coblyn.chat.formats.lark import CallRule, Lark
from coblyn.chat.formats.tagged import Tagged
from coblyn.chat.incoming import Incoming, Reading
from coblyn.chat.outgoing import Outgoing

__all__ = ["APERTUS"]

_BEGIN, _END = "<|tools_prefix|>", "<|tools_suffix|>"


def _read(incoming: Incoming, out: Outgoing, situation: Situation, mark: str) -> Reading[None]:  # noqa: ARG001
    before = out.num_whole
    incoming.record(mark)
    yield from incoming.skip_space()
    yield from incoming.accept("[")
    while True:
        yield from incoming.skip_space()
        if not (yield from _read_call(incoming, out)):
            break
        incoming.record()
        yield from incoming.skip_space()
        yield from incoming.accept(",")
    yield from incoming.accept("]")
    yield from incoming.skip_space()
    is_end = (yield from incoming.accept(_END)) or not (yield from incoming.peek(1))
    if not is_end or out.num_whole == before:
        yield from incoming.until((_END,), drop)
        out.broken(incoming.recorded())


def _read_call(incoming: Incoming, out: Outgoing) -> Reading[bool]:
    """Read an object, and say whether it is a call; its last brace may be missing."""
    if not (yield from incoming.accept("{")):
        return False
    yield from incoming.skip_space()
    if (yield from incoming.peek(1)) != '"':
        return False
    parts: list[str] = []
    is_whole = yield from incoming.json(parts.append)
    yield from incoming.skip_space()
    name = _text("".join(parts)) if is_whole else ""
    if not name or not (yield from incoming.accept(":")):
        return False
    out.begin_call(name)
    yield from incoming.skip_space()
    if not (yield from read_arguments(incoming, out, _END)):
        return False
    out.end_call()
    yield from incoming.skip_space()
    yield from incoming.accept("}")
    return True


def _text(value: str) -> str:
    try:
        return str(json.loads(value, strict=False))
    except ValueError:
        return ""


def _rule(lark: Lark) -> CallRule:
    calls = lark.listed(lark.keyed_calls(), 'S "," S')
    return CallRule(_BEGIN, f'"[" {calls} "]" {lark.text(_END)}', (_BEGIN,), is_block=True)


APERTUS = Format(
    "apertus",
    lambda template: _BEGIN in template,
    Tagged({_BEGIN: _read}),
    kept=(_BEGIN, _END),
    make_rule=_rule,
)
