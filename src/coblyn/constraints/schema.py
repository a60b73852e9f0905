"""JSON schemas: what is enforced of them, and which keyword is in the way of enforcing the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["Refusal", "enforceable", "find_refusal"]

_ONE = (
    "additionalItems",
    "additionalProperties",
    "contains",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
)
_MANY = ("allOf", "anyOf", "oneOf", "prefixItems", "items")
_NAMED = ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions")
"""Where schemas stand in a schema: one, a list of them, or some by name (JSON Schema 2020-12, 10; draft 4 has lists in
``items``)."""

_FORMATS_OF_NUMBERS = {"int32", "int64", "uint32", "uint64", "float", "double", "decimal"}
"""Formats of OpenAPI that say how a number is stored. They are annotations, and refuse no number."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What cannot be enforced.

    Attributes:
        path: JSON pointer of the schema that has it, as a fragment: ``#/properties/age``.
        reason: Why.
    """

    path: str
    reason: str


def enforceable(schema: Any) -> Any:
    """The schema without what changes no instance, so that it is in the way of nothing.

    Those are formats of numbers, which say how they are stored, and llguidance's own options, which are not part of the
    standard.
    """
    if isinstance(schema, list):
        return [enforceable(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    is_numeric = schema.get("type") in ("integer", "number")
    storage = is_numeric and schema.get("format") in _FORMATS_OF_NUMBERS
    return {
        key: value if key in ("const", "enum", "default", "examples") else enforceable(value)
        for key, value in schema.items()
        if not (storage and key == "format") and key != "x-guidance"
    }


def find_refusal(schema: Any, problem: Callable[[Any], str]) -> Refusal | None:
    """The deepest part of a schema that cannot be enforced.

    Args:
        schema: Something that ``problem`` refuses.
        problem: Why a schema cannot be enforced, or nothing.
    """
    definitions = _definitions(schema)
    for path, part in _inner_first(schema, "#"):
        if not isinstance(part, dict):
            continue
        if reason := problem({**definitions, **part}):
            return Refusal(path, reason)
    return None


def _definitions(schema: Any) -> dict[str, Any]:
    """What references from anywhere may point to."""
    if not isinstance(schema, dict):
        return {}
    return {key: schema[key] for key in ("$schema", "$defs", "definitions") if key in schema}


def _inner_first(schema: Any, path: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(schema, dict):
        return
    for key, value in schema.items():
        here = f"{path}/{_escaped(key)}"
        if key in _NAMED and isinstance(value, dict):
            for name, inner in value.items():
                yield from _inner_first(inner, f"{here}/{_escaped(name)}")
        elif key in _MANY and isinstance(value, list):
            for index, inner in enumerate(value):
                yield from _inner_first(inner, f"{here}/{index}")
        elif key in _ONE:
            yield from _inner_first(value, here)
    yield path, schema


def _escaped(name: str) -> str:
    """A name in a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")
