"""Hermes 2 and 3, Qwen 2.5 and 3, QwQ, Granite 4: JSON objects between ``<tool_call>`` and ``</tool_call>``."""

from __future__ import annotations

from coblyn.chat.formats.format import Format, Situation, drop
from coblyn.chat.formats.json_call import read_call
from coblyn.chat.formats.lark import CallRule, Lark
from coblyn.chat.formats.tagged import Tagged
from coblyn.chat.incoming import Incoming, Reading
from coblyn.chat.outgoing import Outgoing

__all__ = ["HERMES", "read_object"]

_OPENING, _CLOSING = "<tool_call>", "</tool_call>"


def _read(incoming: Incoming, out: Outgoing, situation: Situation, mark: str) -> Reading[None]:  # noqa: ARG001
    incoming.record(mark)
    yield from incoming.skip_space()
    yield from read_object(incoming, out)


def read_object(incoming: Incoming, out: Outgoing) -> Reading[None]:
    """Read a call's object and its optional closing tag; everything since its mark is recorded."""
    if not (yield from read_call(incoming, out)):
        yield from incoming.until((_CLOSING,), drop)
        out.broken(incoming.recorded())
        return
    yield from incoming.accept_behind_space(_CLOSING, "}" + _CLOSING)


def _rule(lark: Lark) -> CallRule:
    body = f"S {lark.calls()} S {lark.text(_CLOSING)}"
    return CallRule(_OPENING, body, (_OPENING,))


HERMES = Format(
    "hermes",
    lambda template: _OPENING in template,
    Tagged({_OPENING: _read}),
    kept=(_OPENING, _CLOSING),
    make_rule=_rule,
)
