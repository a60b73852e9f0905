"""Replies in which marks begin reasoning and calls, and everything else is content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from coblyn.chat.formats.format import CallReader, Reader, Situation
from coblyn.chat.incoming import Incoming, Reading, Say
from coblyn.chat.outgoing import Outgoing

__all__ = ["Tagged"]

_NUMBERS = "0123456789:,[] "


@dataclass(frozen=True, slots=True)
class Tagged:
    """A reader of such replies.

    Attributes:
        calls: The marks that begin calls, each with the reader of what follows.
        dropped: Marks without meaning.
        hidden: The same within text, where the whitespace around them counts.
        tags: Beginnings of tags of citations, ``<co: 0>``, which are dropped from among the words.
        ends_reasoning: Marks of calls that always end reasoning. Others are part of it, unless it is never closed.
        opens: Additional marks that begin reasoning.
        start: Reads calls without a mark at the beginning of content.
        named: A mark that contains the name of a tool, such as ``[NAME(``.
        read_named: Reads text that begins with such a mark, which is given but not consumed.
    """

    calls: Mapping[str, CallReader]
    dropped: Sequence[str] = ()
    hidden: Sequence[str] = ()
    tags: Sequence[str] = ()
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
        marks = (*openings, *calls, *self.dropped, *self.hidden, *self.tags)
        yield from self._begin(incoming, out, situation)
        while mark := (yield from incoming.before(marks, out.content)):
            if mark in calls:
                yield from self._call(incoming, out, situation)
                continue
            if mark in self.tags:
                yield from _skip_tag(incoming, mark, out.content)
                continue
            incoming.take(len(mark))
            if mark in self.hidden:
                continue
            out.border()
            if mark in openings:
                yield from self._thought(incoming, out, situation)
                yield from self._content(incoming, out, situation)

    def _begin(self, incoming: Incoming, out: Outgoing, situation: Situation) -> Reading[None]:
        """Read the beginning of a reply: reasoning opened by the prompt, or a redundant mark.

        If the prompt opened reasoning, a model may open it again; if not, it may close it at once.
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
        """Read the beginning of content."""
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
        """Read reasoning and its closing mark. Without one, everything to the end is reasoning."""
        out.begin_thought()
        closing = situation.reasoning.closing
        marks = (closing, *self._marks(situation), *self.tags)
        out.is_thought = True
        while mark := (yield from incoming.before(marks, out.reasoning)):
            if mark == closing or mark in self.ends_reasoning:
                break
            if mark in self.tags:
                yield from _skip_tag(incoming, mark, out.reasoning)
                continue
            if (yield from incoming.wait_for(closing)):
                yield from incoming.before((closing,), out.reasoning)
                break
            yield from self._call(incoming, out, situation)
            if not out.is_thought:
                break
        yield from incoming.accept(closing)
        out.is_thought = False
        out.border()


def _skip_tag(incoming: Incoming, mark: str, say: Say) -> Reading[None]:
    """Read a tag of numbers; other text that begins like one, such as ``<code>``, is emitted."""
    text = incoming.take(len(mark))
    while (character := (yield from incoming.peek(1))) and character in _NUMBERS:
        text += incoming.take(1)
    if not (yield from incoming.accept(">")):
        say(text)
