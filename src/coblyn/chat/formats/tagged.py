"""Replies in which marks begin reasoning and calls, and all else is content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from coblyn.chat.formats.format import CallReader, Reader, Situation
from coblyn.chat.incoming import Incoming, Reading
from coblyn.chat.outgoing import Outgoing

__all__ = ["Tagged"]


@dataclass(frozen=True, slots=True)
class Tagged:
    """A reader of such replies.

    Attributes:
        calls: The marks that begin calls, each with what reads what follows.
        dropped: Marks that mean nothing.
        ends_reasoning: Those of the marks of calls which end reasoning in any case. Others are part of it, unless
            it is never closed.
        opens: Marks that begin reasoning as well as the one that is known.
        start: Reads calls without a mark, with which content may begin.
        named: A mark that the name of a tool has to stand in, such as ``[NAME(``.
        read_named: Reads what begins with such a mark, which is given but not read.
    """

    calls: Mapping[str, CallReader]
    dropped: Sequence[str] = ()
    ends_reasoning: Sequence[str] = ()
    opens: Sequence[str] = ()
    start: Reader | None = None
    named: str = ""
    read_named: CallReader | None = None

    def __call__(self, incoming: Incoming, out: Outgoing, situation: Situation) -> Reading[None]:
        """Read a reply."""
        opening = situation.reasoning.opening.rstrip()
        calls = self._marks(situation)
        openings = (opening, *self.opens) if opening else ()
        marks = (*openings, *calls, *self.dropped)
        yield from self._begin(incoming, out, situation)
        while mark := (yield from incoming.before(marks, out.content)):
            if mark in calls:
                yield from self._call(incoming, out, situation)
                continue
            out.border()
            incoming.take(len(mark))
            if mark in openings:
                yield from self._thought(incoming, out, situation)
                yield from self._content(incoming, out, situation)

    def _begin(self, incoming: Incoming, out: Outgoing, situation: Situation) -> Reading[None]:
        """Read what a reply begins with: reasoning that the prompt has opened, or a mark too many.

        Where the prompt opened reasoning, a model may open it once more; where it did not, close it at once.
        """
        marks = situation.reasoning
        space = ""
        if marks:
            stray = marks.opening.rstrip() if situation.is_reasoning else marks.closing
            space = yield from incoming.space()
            is_stray = yield from incoming.accept(stray)
            if situation.is_reasoning:
                yield from self._thought(incoming, out, situation)
            if situation.is_reasoning or is_stray:
                out.border()
                space = ""
        out.content(space)
        yield from self._content(incoming, out, situation)

    def _content(self, incoming: Incoming, out: Outgoing, situation: Situation) -> Reading[None]:
        """Read what stands where content begins."""
        if self.start and situation.tools:
            yield from self.start(incoming, out, situation)

    def _marks(self, situation: Situation) -> tuple[str, ...]:
        """The marks of calls."""
        if not situation.tools:
            return ()
        names = situation.tools if self.named else ()
        return (*self.calls, *(self.named.replace("NAME", name) for name in names))

    def _call(self, incoming: Incoming, out: Outgoing, situation: Situation) -> Reading[None]:
        mark = yield from incoming.accept_any(*self.calls)
        if mark:
            yield from self.calls[mark](incoming, out, situation, mark)
        elif self.read_named:
            yield from self.read_named(incoming, out, situation, "")

    def _thought(self, incoming: Incoming, out: Outgoing, situation: Situation) -> Reading[None]:
        """Read reasoning and the mark that ends it. Without one, it is reasoning to the end."""
        out.begin_thought()
        closing = situation.reasoning.closing
        marks = (closing, *self._marks(situation))
        out.is_thought = True
        while mark := (yield from incoming.before(marks, out.reasoning)):
            if mark == closing or mark in self.ends_reasoning:
                break
            if (yield from incoming.wait_for(closing)):
                yield from incoming.before((closing,), out.reasoning)
                break
            yield from self._call(incoming, out, situation)
            if not out.is_thought:
                break
        yield from incoming.accept(closing)
        out.is_thought = False
        out.border()
