"""Separates a model's output into reasoning, content and tool calls as it arrives."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

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
        must_call: Whether a call is required, so that there is no text that could be an answer.
        tools: The tools that may be called.
        template: The model's chat template, which distinguishes variants of a format.
    """

    format: Format = NO_FORMAT
    reasoning: Reasoning = NO_REASONING
    is_reasoning: bool = False
    is_answering: bool = field(default=False, kw_only=True)
    must_call: bool = field(default=False, kw_only=True)
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
        self._must_call = form.must_call

    @property
    def has_calls(self) -> bool:
        """Whether at least one call is complete."""
        return self._out.num_whole > 0

    def push(self, text: str) -> list[ReplyEvent]:
        """Add text, and take the events so far."""
        self._in.push(text)
        self._go_on()
        return self._out.take()

    def finish(self, *, is_cut: bool = False) -> list[ReplyEvent]:
        """Take the last events; no more text will arrive.

        Args:
            is_cut: Whether a limit ended the reply. What is left of a required call whose name is not known yet is
                dropped then.
        """
        self._in.end()
        self._go_on()
        self._out.close()
        events = self._out.take()
        if not is_cut:
            return events
        if self._must_call:
            events = [each for each in events if not isinstance(each, ContentText)]
        return [
            replace(each, is_cut=True) if isinstance(each, CallBroken) else each for each in events
        ]

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
        """Add an event. A broken call becomes content; of one that was cut, the arguments so far are kept."""
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
                case CallBroken(index, text, is_cut=False):
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
