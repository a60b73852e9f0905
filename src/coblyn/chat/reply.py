"""Separates a model's output into reasoning, content and tool calls as it arrives."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from coblyn.chat.formats import NO_FORMAT
from coblyn.chat.formats.format import Format, Situation
from coblyn.chat.incoming import Incoming
from coblyn.chat.messages import Message, Tool, ToolCall
from coblyn.chat.outgoing import (
    CallArguments,
    CallBegun,
    CallBroken,
    ContentText,
    Outgoing,
    ReasoningText,
    ReplyEvent,
)
from coblyn.chat.reasoning import NO_REASONING, Reasoning

__all__ = [
    "CallArguments",
    "CallBegun",
    "CallBroken",
    "Collected",
    "ContentText",
    "ReasoningText",
    "ReplyEvent",
    "ReplyForm",
    "ReplyReader",
]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReplyForm:
    """The form of a reply.

    Attributes:
        format: Format of calls.
        reasoning: Marks of reasoning.
        is_reasoning: Whether the prompt ended within reasoning.
        is_answering: Whether the prompt ended within an answer.
        tools: The tools that may be called.
        template: The model's chat template, which distinguishes variants of a format.
    """

    format: Format = NO_FORMAT
    reasoning: Reasoning = NO_REASONING
    is_reasoning: bool = False
    is_answering: bool = field(default=False, kw_only=True)
    tools: Sequence[Tool] = field(default=(), repr=False)
    template: str = field(default="", repr=False)

    @property
    def kept(self) -> tuple[str, ...]:
        """Special tokens whose text a reader needs."""
        marks = (self.reasoning.opening.strip(), self.reasoning.closing.strip())
        return tuple(mark for mark in (*self.format.kept, *marks) if mark)


class ReplyReader:
    """Separates the parts of one reply; the result does not depend on how its text is split.

    Whitespace around reasoning and calls is dropped. Malformed parts are kept as text and are not errors.

    Args:
        form: The form of the reply.
    """

    def __init__(self, form: ReplyForm) -> None:
        self._in, self._out = Incoming(), Outgoing(form.format.make_id)
        tools = {tool.name: tool for tool in form.tools}
        situation = Situation(tools, form.reasoning, form.is_reasoning)
        self._reading = form.format.read(self._in, self._out, situation)

    @property
    def has_calls(self) -> bool:
        """Whether at least one call is complete."""
        return self._out.num_whole > 0

    def push(self, text: str) -> list[ReplyEvent]:
        """Add text, and take the events so far."""
        self._in.push(text)
        self._go_on()
        return self._out.take()

    def finish(self) -> list[ReplyEvent]:
        """Take the last events; no more text will arrive."""
        self._in.end()
        self._go_on()
        self._out.close()
        return self._out.take()

    def _go_on(self) -> None:
        try:
            next(self._reading)
        except StopIteration:
            self._say_rest()
        except Exception:  # a model may write anything: what a reader fails on is content
            log.exception("a reply could not be read in its format")
            self._say_rest()

    def _say_rest(self) -> None:
        """Emit the remaining text as content, after the reader has failed."""
        self._reading = self._in.rest(self._out.content)
        with suppress(StopIteration):
            next(self._reading)


class Collected:
    """A complete reply collected from events."""

    def __init__(self) -> None:
        self._reasoning: list[str] = []
        self._content: list[str] = []
        self._calls: dict[int, tuple[CallBegun, list[str]]] = {}

    def add(self, events: Iterable[ReplyEvent]) -> None:
        """Add an event. A broken call becomes content."""
        for event in events:
            match event:
                case ReasoningText(text):
                    self._reasoning.append(text)
                case ContentText(text):
                    self._content.append(text)
                case CallBegun(index):
                    self._calls[index] = (event, [])
                case CallArguments(index, text):
                    self._calls[index][1].append(text)
                case CallBroken(index, text):
                    del self._calls[index]
                    self._content.append(text)

    @property
    def message(self) -> Message:
        """The reply as a message of the assistant."""
        calls = tuple(
            ToolCall(begun.id, begun.name, "".join(arguments))
            for begun, arguments in self._calls.values()
        )
        return Message(
            "assistant",
            "".join(self._content),
            reasoning="".join(self._reasoning),
            tool_calls=calls,
        )
