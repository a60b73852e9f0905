"""Hermes 2 and 3, Qwen 2.5 and 3, QwQ, Granite 4: JSON objects between ``<tool_call>`` and ``</tool_call>``."""

from __future__ import annotations

from coblyn.chat.formats.format import Format, Situation
from coblyn.chat.formats.json_call import read_call
from coblyn.chat.formats.tagged import tagged
from coblyn.chat.incoming import Incoming, Reading
from coblyn.chat.outgoing import Outgoing

__all__ = ["HERMES"]

_OPENING, _CLOSING = "<tool_call>", "</tool_call>"


def _read(incoming: Incoming, out: Outgoing, situation: Situation, mark: str) -> Reading[None]:  # noqa: ARG001
    incoming.record(mark)
    yield from incoming.skip_space()
    if not (yield from read_call(incoming, out)):
        yield from incoming.until((_CLOSING,), _drop)
        out.broken(incoming.recorded())
        return
    yield from incoming.skip_space()
    yield from incoming.accept_any(_CLOSING, "}" + _CLOSING)


def _drop(text: str) -> None:
    """It is on record."""


HERMES = Format(
    "hermes",
    lambda template: _OPENING in template,
    tagged({_OPENING: _read}),
    kept=(_OPENING, _CLOSING),
)
