"""The events that a reader of a reply produces."""

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
    """New reasoning text."""

    text: str


@dataclass(frozen=True, slots=True)
class ContentText:
    """New content text."""

    text: str


@dataclass(frozen=True, slots=True)
class CallBegun:
    """The beginning of a tool call; ``index`` counts the calls of a reply from 0."""

    index: int
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class CallArguments:
    """New JSON text of a call's arguments."""

    index: int
    text: str


@dataclass(frozen=True, slots=True)
class CallBroken:
    """A call that will never be complete, because it was truncated or is malformed.

    Attributes:
        index: Index of the call.
        text: All that the model wrote of it, with its marks.
        is_cut: Whether a limit ended the reply within the call: what there is of its arguments is kept, as OpenAI does.
    """

    index: int
    text: str
    is_cut: bool = False


ReplyEvent = ReasoningText | ContentText | CallBegun | CallArguments | CallBroken


class _Voice:
    """Text of one kind, trimmed of whitespace at its ends, and where other parts stand at them."""

    def __init__(self, *, trims_start: bool) -> None:
        self._is_fresh = trims_start
        self._has_said = False
        self._is_cut = False
        self._space = ""
        self._joint = ""

    def add(self, text: str) -> str:
        """The text to emit now; trailing whitespace waits for more text."""
        text = self._space + text
        if self._is_fresh:
            text = text.lstrip()
        said = text.rstrip()
        self._space = text[len(said) :]
        if not said:
            return ""
        self._has_said, self._is_fresh, self._is_cut = True, False, False
        joint, self._joint = self._joint, ""
        return joint + said

    def cut(self, joint: str = "") -> None:
        """Another part stands here. Whitespace before and after it is dropped, unless it separates two texts.

        Args:
            joint: Text that replaces it, before any further text.
        """
        self._is_cut = True
        self._joint = joint
        if joint or not self._has_said:
            self._space = ""
            self._is_fresh = True

    def rest(self) -> str:
        """Whitespace at the end of everything."""
        space, self._space = self._space, ""
        return "" if self._is_cut else space


class Outgoing:
    """Collects events.

    Args:
        make_id: Makes the id of a call without one.

    Attributes:
        is_thought: Whether malformed calls become reasoning instead of content.
        num_calls: Number of calls begun.
        num_whole: Number of complete calls.
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
        """Add content."""
        if said := self._content.add(text):
            self._add(ContentText(said))

    def reasoning(self, text: str) -> None:
        """Add reasoning."""
        if said := self._reasoning.add(text):
            self._add(ReasoningText(said))
            self._has_reasoned = True

    def border(self) -> None:
        """Record the place of a mark; whitespace on both sides belongs to it."""
        self._content.cut()
        self._reasoning.cut()

    def begin_thought(self) -> None:
        """Begin a block of reasoning; blocks are separated by a line break."""
        self._content.cut()
        self._reasoning.cut("\n" if self._has_reasoned else "")

    def begin_call(self, name: str, call_id: str = "") -> None:
        """Begin a call once its name is known; an id is made if the model gives none."""
        self.border()
        self._is_calling, self._has_arguments = True, False
        self._add(CallBegun(self.num_calls, call_id or self._make_id(), name))
        self.num_calls += 1

    def arguments(self, text: str) -> None:
        """Add argument text to the current call."""
        if text:
            self._has_arguments = True
            self._add(CallArguments(self.num_calls - 1, text))

    def end_call(self) -> None:
        """Mark the current call as complete."""
        if not self._has_arguments:
            self.arguments("{}")
        self._is_calling = self.is_thought = False
        self.num_whole += 1

    def whole_call(self, name: str, arguments: object, call_id: str = "") -> None:
        """Add a complete call.

        Args:
            name: Of the tool.
            arguments: A JSON-serializable value, or JSON text.
            call_id: The model's id of the call, or empty.
        """
        self.begin_call(name, call_id)
        is_text = isinstance(arguments, str)
        self.arguments(arguments if is_text else json.dumps(arguments, ensure_ascii=False))  # type: ignore[arg-type]
        self.end_call()

    def program(self, code: str) -> None:
        """Set a program as the arguments of the current call."""
        self.arguments(json.dumps({"code": code}, ensure_ascii=False))

    def broken(self, text: str) -> None:
        """Record a malformed call.

        Args:
            text: All its text, which becomes content unless the call has begun.
        """
        if self._is_calling:
            self._is_calling = False
            self._add(CallBroken(self.num_calls - 1, text))
        elif self.is_thought:
            self.reasoning(text)
        else:
            self.content(text)

    def close(self) -> None:
        """End the reply."""
        if not self.num_calls and (space := self._content.rest()):
            self._add(ContentText(space))

    def take(self) -> list[ReplyEvent]:
        """The events since the last time."""
        events, self._events = self._events, []
        return events

    def _add(self, event: ReplyEvent) -> None:
        """Add an event; text is merged with the previous event of the same kind."""
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
