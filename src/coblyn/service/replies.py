"""Generations as replies: the engine's events, each with the parts of the reply that it completes."""

from __future__ import annotations

from typing import Literal, NamedTuple, Self

from coblyn.chat.messages import Message
from coblyn.chat.reply import Collected, ContentText, ReasoningText, ReplyEvent, ReplyReader
from coblyn.engine.events import Delta, Event, Finish, FinishReason
from coblyn.service.generate import Generation
from coblyn.service.hub import Record

__all__ = ["Replies", "Reply", "ReplyReason", "WholeReply", "replies"]

ReplyReason = FinishReason | Literal["tool_calls"]
"""How a reply ended: the engine's reason, or ``tool_calls`` if the model waits for results."""


class Reply(NamedTuple):
    """One event of a reply.

    Attributes:
        event: The engine's event.
        parts: Parts of the reply that are complete now. A ``Delta`` may have none, and a ``Finish`` some.
        reason: With a ``Finish``, how the reply ended.
    """

    event: Event
    parts: tuple[ReplyEvent, ...] = ()
    reason: ReplyReason | None = None


class Replies:
    """An iterator over a generation's reply. It must be closed, which closes the generation.

    Args:
        generation: The generation; if its prompt is not a conversation, all its text is content.

    Attributes:
        generation: The same.
    """

    def __init__(self, generation: Generation) -> None:
        self.generation = generation
        form = generation.form
        self._reader = ReplyReader(form) if form else None
        self._is_thinking = bool(form and form.is_reasoning)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Reply:
        event = await anext(self.generation)
        if isinstance(event, Delta):
            parts = self._parts(event.text)
            self._count(event, parts)
            return Reply(event, parts)
        if isinstance(event, Finish):
            return self._end(event)
        return Reply(event)

    async def aclose(self) -> None:
        """Close it; if it still runs, it is cancelled."""
        await self.generation.aclose()

    def _count(self, delta: Delta, parts: tuple[ReplyEvent, ...]) -> None:
        """Count tokens as reasoning until other parts follow."""
        if parts:
            self._is_thinking = isinstance(parts[-1], ReasoningText)
        if self._is_thinking:
            self.generation.record.num_thought += len(delta.tokens)

    def _parts(self, text: str) -> tuple[ReplyEvent, ...]:
        if self._reader:
            return tuple(self._reader.push(text))
        return (ContentText(text),) if text else ()

    def _end(self, finish: Finish) -> Reply:
        if not self._reader:
            return Reply(finish, (), finish.reason)
        parts = tuple(self._reader.finish(is_cut=finish.reason == "length"))
        is_done = finish.reason in ("eos", "stop")
        reason: ReplyReason = finish.reason
        if is_done and self._reader.has_calls:
            reason = "tool_calls"
        return Reply(finish, parts, reason)


def replies(generation: Generation) -> Replies:
    """A generation as a reply, event by event: progress, deltas, then one ``Finish``."""
    return Replies(generation)


class WholeReply:
    """A reply collected to its end.

    Args:
        record: The record of its generation.

    Attributes:
        record: The same.
        reason: How it ended, once it has.
    """

    def __init__(self, record: Record) -> None:
        self.record = record
        self.reason: ReplyReason | None = None
        self._collected = Collected()

    def add(self, reply: Reply) -> None:
        """Add a part of the reply."""
        self._collected.add(reply.parts)
        self.reason = reply.reason

    @property
    def message(self) -> Message:
        """The assistant's message: content, reasoning and calls.

        The text of a malformed call is content. A call that was cut has the arguments so far, which are not JSON.
        """
        return self._collected.message
