"""Replies in which marks begin reasoning and calls, and all else is content."""

from __future__ import annotations

from collections.abc import Mapping

from coblyn.chat.formats.format import CallReader, Reader, Situation
from coblyn.chat.incoming import Incoming, Reading
from coblyn.chat.outgoing import Outgoing

__all__ = ["read_thought", "tagged"]


def tagged(calls: Mapping[str, CallReader]) -> Reader:
    """A reader of such replies.

    Args:
        calls: The marks that begin calls, each with what reads what follows.
    """

    def read(incoming: Incoming, out: Outgoing, situation: Situation) -> Reading[None]:
        opening = situation.reasoning.opening.rstrip()
        yield from _read_start(incoming, out, situation)
        marks = (opening,) * bool(opening) + tuple(calls if situation.tools else ())
        while mark := (yield from incoming.until(marks, out.content)):
            out.border()
            if mark == opening:
                yield from read_thought(incoming, out, situation)
            else:
                yield from calls[mark](incoming, out, situation, mark)

    return read


def read_thought(incoming: Incoming, out: Outgoing, situation: Situation) -> Reading[None]:
    """Read reasoning and the mark that ends it. Without one, it is reasoning to the end."""
    out.begin_thought()
    yield from incoming.until((situation.reasoning.closing,), out.reasoning)
    out.border()


def _read_start(incoming: Incoming, out: Outgoing, situation: Situation) -> Reading[None]:
    """Read what a reply begins with: reasoning that the prompt has opened, or a mark too many.

    Where the prompt opened reasoning, a model may open it once more; where it did not, close it at once.
    """
    marks = situation.reasoning
    if not marks:
        return
    stray = marks.opening.rstrip() if situation.is_reasoning else marks.closing
    space: list[str] = []
    is_stray = yield from _accept_after_space(incoming, stray, space)
    if situation.is_reasoning:
        yield from read_thought(incoming, out, situation)
    elif is_stray:
        out.border()
    else:
        out.content("".join(space))


def _accept_after_space(incoming: Incoming, mark: str, space: list[str]) -> Reading[bool]:
    """Read a mark if it comes next, and the whitespace before it in any case."""
    while (text := (yield from incoming.peek(1))) and text.isspace():
        space.append(incoming.take(1))
    return (yield from incoming.accept(mark))
