"""How models of a family write calls of tools: what all formats have."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from coblyn.chat.formats.lark import MakeRule
from coblyn.chat.incoming import Incoming, Reading
from coblyn.chat.messages import Message, Tool, ToolCall
from coblyn.chat.outgoing import Outgoing
from coblyn.chat.reasoning import NO_REASONING, Reasoning

__all__ = ["CallReader", "Format", "Reader", "Situation", "drop"]


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known before a model writes.

    Attributes:
        tools: The tools that it may call, by name; where there are none, nothing it writes is a call.
        reasoning: How it marks its reasoning.
        is_reasoning: The prompt ended within reasoning.
    """

    tools: Mapping[str, Tool]
    reasoning: Reasoning = NO_REASONING
    is_reasoning: bool = False


Reader = Callable[[Incoming, Outgoing, Situation], Reading[None]]
"""Reads a whole reply."""

CallReader = Callable[[Incoming, Outgoing, Situation, str], Reading[None]]
"""Reads what follows a mark, which is given, up to the end of what it opened."""


@dataclass(frozen=True, slots=True)
class Format:
    """A format of calls.

    Attributes:
        name: Its name.
        is_of: Whether a chat template is one of this format.
        read: Reads a reply.
        kept: Special tokens whose text the reader has to see.
        marks_content: Content has marks, too: replies are read even where there are no tools.
        make_id: Makes the id of a call; None where any will do.
        make_rule: Says what calls must be like; None where nothing is required of them.
        answers: Marks behind which an answer begins, where it has marks.
        reasoning: Marks of reasoning that the template does not show.
        fit_id: Makes an id that templates accept from one that a client sent.
        fit_messages: Makes messages that templates accept from those that a client sent.
        write_calls: Writes calls as the model does, for templates that show none; None where all show them.
    """

    name: str
    is_of: Callable[[str], bool]
    read: Reader
    kept: Sequence[str] = ()
    marks_content: bool = False
    make_id: Callable[[], str] | None = None
    make_rule: MakeRule | None = None
    answers: Sequence[str] = ()
    reasoning: Reasoning = NO_REASONING
    fit_id: Callable[[str], str] | None = None
    fit_messages: Callable[[Sequence[Message]], Sequence[Message]] | None = None
    write_calls: Callable[[Sequence[ToolCall]], str] | None = None


def drop(text: str) -> None:
    """Say nothing: the text has no meaning, or is on record."""
