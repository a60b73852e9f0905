"""What a reader of a reply has found, as events."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass

__all__ = [
    "CallArguments",
    "CallBegun",
    "CallBroken",
    "ContentText",
    "Outgoing",
    "ReasoningText",
    "ReplyEvent",
]


@dataclass(frozen=True, slots=True)
class ReasoningText:
    """More of what the model thinks."""

    text: str


@dataclass(frozen=True, slots=True)
class ContentText:
    """More of what the model says."""

    text: str


@dataclass(frozen=True, slots=True)
class CallBegun:
    """A tool is called; ``index`` counts the calls of a reply from 0."""

    index: int
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class CallArguments:
    """More of the JSON text of a call's arguments."""

    index: int
    text: str


@dataclass(frozen=True, slots=True)
class CallBroken:
    """A call that had begun will never be whole: it was cut, or is damaged.

    Attributes:
        index: Of the call.
        text: All that the model wrote of it, with its marks.
    """

    index: int
    text: str


ReplyEvent = ReasoningText | ContentText | CallBegun | CallArguments | CallBroken


class _Voice:
    """Text of one kind, without the whitespace around it."""

    def __init__(self, *, trims_start: bool) -> None:
        self._is_fresh = trims_start
        self._space = ""
        self._joint = ""

    def add(self, text: str) -> str:
        """What may be said now: whitespace waits for what follows."""
        text = self._space + text
        if self._is_fresh:
            text = text.lstrip()
        said = text.rstrip()
        self._space = text[len(said) :]
        if not said:
            return ""
        self._is_fresh = False
        joint, self._joint = self._joint, ""
        return joint + said

    def cut(self, joint: str = "") -> None:
        """Something else follows: the whitespace before and after it is its own.

        Args:
            joint: What is put in its place, before what may yet be said.
        """
        self._space = ""
        self._is_fresh = True
        self._joint = joint

    def rest(self) -> str:
        """Whitespace at the end of everything."""
        space, self._space = self._space, ""
        return space


class Outgoing:
    """Collects events.

    Args:
        make_id: Makes an id for a call to which the model gives none.

    Attributes:
        is_thought: What is damaged is reasoning, not content.
        num_calls: Calls that have begun.
        num_whole: Those of them that are whole.
    """

    def __init__(self, make_id: Callable[[], str] | None = None) -> None:
        self._make_id = make_id or _random_id
        self.is_thought = False
        self.num_calls = 0
        self.num_whole = 0
        self._is_calling = False
        self._has_arguments = False
        self._content = _Voice(trims_start=False)
        self._reasoning = _Voice(trims_start=True)
        self._has_reasoned = False
        self._events: list[ReplyEvent] = []

    def content(self, text: str) -> None:
        """The model says something."""
        if said := self._content.add(text):
            self._add(ContentText(said))

    def reasoning(self, text: str) -> None:
        """The model thinks something."""
        if said := self._reasoning.add(text):
            self._add(ReasoningText(said))
            self._has_reasoned = True

    def border(self) -> None:
        """A mark was here: whitespace on both sides of it belongs to it."""
        self._content.cut()
        self._reasoning.cut()

    def begin_thought(self) -> None:
        """A block of reasoning begins; blocks are told apart by a line break."""
        self._content.cut()
        self._reasoning.cut("\n" if self._has_reasoned else "")

    def begin_call(self, name: str, call_id: str = "") -> None:
        """A call begins, once its name is known; an id is made where the model gives none."""
        self.border()
        self._is_calling, self._has_arguments = True, False
        self._add(CallBegun(self.num_calls, call_id or self._make_id(), name))
        self.num_calls += 1

    def arguments(self, text: str) -> None:
        """More of the arguments of the call that has begun."""
        if text:
            self._has_arguments = True
            self._add(CallArguments(self.num_calls - 1, text))

    def end_call(self) -> None:
        """The call is whole."""
        if not self._has_arguments:
            self.arguments("{}")
        self._is_calling = self.is_thought = False
        self.num_whole += 1

    def whole_call(self, name: str, arguments: object, call_id: str = "") -> None:
        """A call that is known as a whole.

        Args:
            name: Of the tool.
            arguments: What can be written as JSON, or JSON text.
            call_id: The model's own name for the call, or empty.
        """
        self.begin_call(name, call_id)
        is_text = isinstance(arguments, str)
        self.arguments(arguments if is_text else json.dumps(arguments, ensure_ascii=False))  # type: ignore[arg-type]
        self.end_call()

    def program(self, code: str) -> None:
        """The arguments of the call that has begun are a program."""
        self.arguments(json.dumps({"code": code}, ensure_ascii=False))

    def broken(self, text: str) -> None:
        """What was to be a call is damaged.

        Args:
            text: All that was written of it. It is content, unless the call had begun.
        """
        if self._is_calling:
            self._is_calling = False
            self._add(CallBroken(self.num_calls - 1, text))
        elif self.is_thought:
            self.reasoning(text)
        else:
            self.content(text)

    def close(self) -> None:
        """The end of the reply."""
        if not self.num_calls and (space := self._content.rest()):
            self._add(ContentText(space))

    def take(self) -> list[ReplyEvent]:
        """The events since the last time."""
        events, self._events = self._events, []
        return events

    def _add(self, event: ReplyEvent) -> None:
        """Add an event; text goes on with what was just said."""
        last = self._events[-1] if self._events else None
        match last, event:
            case ContentText(before), ContentText(text):
                self._events[-1] = ContentText(before + text)
            case ReasoningText(before), ReasoningText(text):
                self._events[-1] = ReasoningText(before + text)
            case CallArguments(index, before), CallArguments(same, text) if index == same:
                self._events[-1] = CallArguments(index, before + text)
            case _:
                self._events.append(event)


def _random_id() -> str:
    return f"call_{secrets.token_hex(12)}"
