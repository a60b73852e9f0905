"""Schemas so plain that no compilation is needed to know that they can be enforced and that a value fits each part."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from coblyn.constraints.formats import DEFINED, of_format
from coblyn.constraints.node import Node

__all__ = ["is_plain"]

_WORDS = frozenset(
    {"title", "description", "$comment", "default", "examples", "example", "deprecated"}
)
_LARGEST = 10**9
_LONGEST = 1000
"""Of a text whose length is bounded; more may be too much for llguidance's lexer."""
_MOST_ITEMS = 100
_SURROGATE = "\\ud"
"""One without its other half is no text to llguidance."""


def is_plain(schema: Any) -> bool:
    """Whether a schema is certainly enforced as it is, and a value fits it and each of its properties.

    Args:
        schema: In keywords that llguidance enforces, as ``rewritten`` gives it.

    Returns:
        False also for many that are enforced: those have to be compiled in order to know.
    """
    return _is_plain(schema) and _SURROGATE not in json.dumps(schema)


def _is_plain(schema: Any) -> bool:
    if not isinstance(schema, dict):
        return schema is True
    said = {key: value for key, value in schema.items() if key not in _WORDS}
    if not said:
        return True
    if "enum" in said or "const" in said:
        return _is_choice(said)
    kind = said.pop("type", None)
    if isinstance(kind, list):
        return not said and bool(kind) and all(each in _SCALARS for each in kind)
    look = _LOOKS.get(kind) if isinstance(kind, str) else None
    return look is not None and look(said)


def _is_choice(said: Node) -> bool:
    values, kind = said.get("enum", [said.get("const")]), said.pop("type", None)
    if len(said) > 1 or not isinstance(values, list) or not values:
        return False
    if kind is not None:
        return kind == "string" and all(isinstance(each, str) for each in values)
    return all(each is None or isinstance(each, str | bool) or _is_small(each) for each in values)


def _is_text(said: Node) -> bool:
    if "pattern" in said:
        return len(said) == 1 and said["pattern"] in _FORMATS
    return _is_bounded(said, "minLength", "maxLength", _LONGEST)


def _is_number(said: Node) -> bool:
    return _is_bounded(said, "minimum", "maximum", _LARGEST, least=-_LARGEST)


def _is_list(said: Node) -> bool:
    counts = {key: value for key, value in said.items() if key != "items"}
    return _is_bounded(counts, "minItems", "maxItems", _MOST_ITEMS) and _is_plain(
        said.get("items", True)
    )


def _is_object(said: Node) -> bool:
    properties, required = said.get("properties", {}), said.get("required", [])
    if not said.keys() <= _OF_OBJECTS or said.get("patternProperties", _OPEN) != _OPEN:
        return False
    if not isinstance(properties, dict) or not isinstance(required, list):
        return False
    are_declared = all(isinstance(name, str) and name in properties for name in required)
    is_closed = isinstance(said.get("additionalProperties", True), bool)
    return are_declared and is_closed and all(map(_is_plain, properties.values()))


def _is_bounded(said: Node, low: str, high: str, most: int, *, least: int = 0) -> bool:
    """Whether nothing but two bounds is said, which leave something between them."""
    begin, end = said.get(low, least), said.get(high, most)
    are_counts = _is_small(begin) and _is_small(end)
    return said.keys() <= {low, high} and are_counts and bool(least <= begin <= end <= most)


def _is_small(value: Any) -> bool:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return is_whole and abs(value) <= _LARGEST


_OF_OBJECTS = frozenset({"properties", "required", "additionalProperties", "patternProperties"})
_OPEN = {"": True}
"""What ``rewritten`` makes of objects that may have any other property."""
_SCALARS = ("string", "integer", "number", "boolean", "null")
_LOOKS: Mapping[str, Callable[[Node], bool]] = {
    "string": _is_text,
    "integer": _is_number,
    "number": _is_number,
    "array": _is_list,
    "object": _is_object,
    "boolean": lambda said: not said,
    "null": lambda said: not said,
}
_FORMATS = frozenset(
    written["pattern"]
    for name in DEFINED
    if (written := of_format(name)) is not None and "pattern" in written
)
