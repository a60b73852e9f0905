"""Parts of a turn: reasoning, calls of tools and their results, as they stand in the text of a story."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Call", "Parts", "parts_of"]

_THOUGHT = re.compile(r"<think>(.*?)(?:</think>|\Z)", re.DOTALL)
_IMAGE = re.compile(r"!\[[^\]\n]*\]\(image:([\w.:-]+)\)")
_CALL = re.compile(r"<tool_call>(.*?)</tool_call>", re.DOTALL)
_RESULT = re.compile(r"<tool_response(?: id=\"([^\"]*)\")?>(.*?)</tool_response>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool.

    Attributes:
        id: By which its result names it.
        name: The tool.
        arguments: JSON text.
    """

    id: str
    name: str
    arguments: str = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """As OpenAI's API has it."""
        function = {"name": self.name, "arguments": self.arguments}
        return {"id": self.id, "type": "function", "function": function}


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a turn.

    Attributes:
        text: The spoken text.
        reasoning: The reasoning before it.
        calls: Tools that are called.
        results: Results of tools: the id of the call, and the text.
        images: Ids of images that stand in it.
    """

    text: str = field(repr=False)
    reasoning: str = field(default="", repr=False)
    calls: tuple[Call, ...] = ()
    results: tuple[tuple[str, str], ...] = ()
    images: tuple[str, ...] = ()


def parts_of(text: str) -> Parts:
    """The parts of a turn's text.

    Reasoning stands between ``<think>`` and ``</think>``, a call between ``<tool_call>`` and ``</tool_call>`` as an
    object of ``id``, ``name`` and ``arguments``, a result between ``<tool_response id="…">`` and ``</tool_response>``,
    and an image is ``![name](image:ID)``. What is no such object stays text.
    """
    reasoning = "\n".join(found.strip() for found in _THOUGHT.findall(text))
    results = tuple((name, result.strip()) for name, result in _RESULT.findall(text))
    calls: list[Call] = []

    def take(found: re.Match[str]) -> str:
        call = _read_call(found[1], len(calls))
        if call is None:
            return found[0]
        calls.append(call)
        return ""

    said = _CALL.sub(take, _RESULT.sub("", _THOUGHT.sub("", text)))
    images = tuple(_IMAGE.findall(said))
    return Parts(_IMAGE.sub("", said).strip(), reasoning, tuple(calls), results, images)


def _read_call(source: str, number: int) -> Call | None:
    try:
        value = json.loads(source)
    except ValueError:
        return None
    if not isinstance(value, Mapping) or not isinstance(value.get("name"), str):
        return None
    arguments = value.get("arguments", {})
    written = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    name = value.get("id")
    return Call(
        name if isinstance(name, str) and name else f"call_{number}", value["name"], written
    )
