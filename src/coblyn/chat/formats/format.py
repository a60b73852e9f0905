"""The common structure of all tool call formats."""

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
    """What is known before a reply begins.

    Attributes:
        tools: The tools that it may call, by name; if there are none, nothing counts as a call.
        reasoning: The model's marks of reasoning.
        is_reasoning: Whether the prompt ended within reasoning.
    """

    tools: Mapping[str, Tool]
    reasoning: Reasoning = NO_REASONING
    is_reasoning: bool = False


Reader = Callable[[Incoming, Outgoing, Situation], Reading[None]]
"""Reads a whole reply."""

CallReader = Callable[[Incoming, Outgoing, Situation, str], Reading[None]]
"""Reads from after a mark, which is given, to the end of what it opened."""


@dataclass(frozen=True, slots=True)
class Format:
    """A format of calls.

    Attributes:
        name: Its name.
        is_of: Says whether a chat template has this format.
        read: Reads a reply.
        kept: Special tokens whose text the reader needs.
        marks_content: Whether content has marks too, so that replies must be read even without tools.
        make_id: Makes the id of a call; None if any id works.
        make_rule: Makes the grammar of calls; None if calls cannot be constrained.
        answers: Marks after which an answer begins, if it has marks.
        reasoning: Marks of reasoning if the template does not contain them.
        fit_id: Converts a client's id to one that templates accept.
        fit_messages: Converts a client's messages to those that templates accept.
        write_calls: Writes calls in the model's format, for templates that do not show calls; None if all do.
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
    """Discard text that has no meaning or is recorded."""
