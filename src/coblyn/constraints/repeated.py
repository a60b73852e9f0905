"""Parts of a schema that occur several times, written once: llguidance compiles what references point to once."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from coblyn.constraints.node import Node, inner, with_parts

__all__ = ["with_references"]

_DEFINED = "x-repeated-"
_SAYS_NOTHING = ("title", "description", "$comment", "default", "examples", "example", "deprecated")


def with_references(schema: Node) -> Node:
    """The same schema, in which texts with equal patterns refer to one definition.

    Formats are long patterns, of up to 3 ms each to compile, and schemas repeat them.
    """
    parts = _Parts()
    parts.count(schema)
    if not parts.repeated or not isinstance(schema.get("$defs", {}), dict):
        return schema
    found = parts.replaced(schema)
    return {**found, "$defs": {**found.get("$defs", {}), **parts.definitions()}}


class _Parts:
    """The texts with patterns in a schema. Below another base URI (``$id``), references would mean something else."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    @property
    def repeated(self) -> list[str]:
        return [text for text, count in self._counts.items() if count > 1]

    def definitions(self) -> Node:
        return {_name(index): json.loads(text) for index, text in enumerate(self.repeated)}

    def count(self, schema: Node) -> None:
        waiting: list[Any] = list(inner(schema))
        while waiting:
            part = waiting.pop()
            if text := _text(part):
                self._counts[text] += 1
            elif isinstance(part, dict) and not _is_base(part):
                waiting += inner(part)

    def replaced(self, schema: Node) -> Node:
        places = {text: f"#/$defs/{_name(index)}" for index, text in enumerate(self.repeated)}

        def part(value: Any) -> Any:
            if place := places.get(_text(value)):
                return {"$ref": place}
            is_whole = isinstance(value, dict) and not _is_base(value)
            return with_parts(value, part) if is_whole else value

        return with_parts(schema, part)


def _text(part: Any) -> str:
    """A text with a pattern, as JSON without what says nothing; empty for other schemas."""
    if not isinstance(part, dict) or "pattern" not in part:
        return ""
    said = {key: value for key, value in part.items() if key not in _SAYS_NOTHING}
    is_plain = said.keys() <= {"type", "pattern", "minLength", "maxLength"}
    return json.dumps(said, sort_keys=True) if is_plain else ""


def _is_base(part: Node) -> bool:
    return "$id" in part or "id" in part


def _name(index: int) -> str:
    return f"{_DEFINED}{index}"
