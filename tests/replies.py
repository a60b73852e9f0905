"""Replies that tests read: whole, in pieces, character by character."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from coblyn.chat.formats import NO_FORMAT
from coblyn.chat.formats.format import Format
from coblyn.chat.messages import Message, Tool
from coblyn.chat.reasoning import NO_REASONING, Reasoning
from coblyn.chat.reply import Collected, ReplyEvent, ReplyForm, ReplyReader

Calls = Sequence[tuple[str, str]]
"""Names and arguments."""


def make_tool(name: str, **properties: Any) -> Tool:
    """A tool whose properties are all required."""
    schemas = {
        key: {"type": value} if isinstance(value, str) else value
        for key, value in properties.items()
    }
    parameters = {"type": "object", "properties": schemas, "required": list(schemas)}
    return Tool(name, f"Does {name}.", parameters if properties else {})


TOOLS = (
    make_tool("weather", city="string", days="integer"),
    make_tool("search", query="string", options="object", tags="array", exact="boolean"),
    make_tool("write", path="string", content="string"),
    make_tool("now"),
)


@dataclass(frozen=True)
class Case:
    """What a model wrote, and what it means."""

    text: str
    content: str = ""
    calls: Calls = ()
    reasoning: str = ""
    is_reasoning: bool = False


def pieces(text: str, places: Iterable[int]) -> list[str]:
    """A text cut at some places."""
    edges = [0, *sorted({place % (len(text) + 1) for place in places}), len(text)]
    return [text[start:end] for start, end in pairwise(edges)]


def events_of(parts: Iterable[str], form: ReplyForm) -> list[ReplyEvent]:
    """The events of a reply that comes in parts."""
    reader = ReplyReader(form)
    return [event for part in parts for event in reader.push(part)] + reader.finish()


def read(parts: Iterable[str], form: ReplyForm) -> Message:
    """A reply that comes in parts, collected."""
    collected = Collected()
    collected.add(events_of(parts, form))
    return collected.message


def form_of(
    calls: Format = NO_FORMAT,
    marks: Reasoning = NO_REASONING,
    *,
    is_reasoning: bool = False,
    tools: Sequence[Tool] = TOOLS,
) -> ReplyForm:
    """The form of replies in a format."""
    return ReplyForm(calls, marks, is_reasoning, tools)


def check(case: Case, form: ReplyForm, places: Iterable[int] = ()) -> None:
    """A reply is read as it is meant, cut at some places."""
    message = read(pieces(case.text, places), form)
    assert message.content == case.content
    assert message.reasoning == case.reasoning
    assert [(call.name, call.arguments) for call in message.tool_calls] == list(case.calls)
    ids = [call.id for call in message.tool_calls]
    assert all(ids)
    assert len(set(ids)) == len(ids)
