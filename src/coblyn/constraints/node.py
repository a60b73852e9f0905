"""A schema while it is rewritten."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

__all__ = [
    "MANY",
    "NAMED",
    "ONE",
    "Node",
    "TooLarge",
    "Unenforceable",
    "also",
    "identity",
    "inner",
    "listed",
    "with_parts",
]

Node = dict[str, Any]

ONE = (
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
MANY = ("allOf", "anyOf", "oneOf", "prefixItems", "items")
NAMED = ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions")
"""Where schemas stand in a schema: one, a list of them, or some by name (JSON Schema 2020-12, 10; draft 4 has lists in
``items``)."""


class Unenforceable(ValueError):
    """A schema that llguidance would take for enforced, and that is not."""


class UnenforceableWhole(Unenforceable):
    """A schema that is refused as a whole; where in it the cause lies is not sought."""


class TooLarge(UnenforceableWhole):
    """A schema that takes too much time or memory to be written in other keywords."""

    def __init__(self) -> None:
        super().__init__("it is too large when it is written in keywords that are enforced")


def also(node: Node, part: Any) -> None:
    """Add a schema that has to fit as well."""
    if part is not True:
        node["allOf"] = [*listed(node.get("allOf")), part]


def listed(value: Any) -> list[Any]:
    """A list, empty where there is none."""
    return value if isinstance(value, list) else []


def identity(value: Any) -> str:
    """The same for two values that JSON Schema calls equal: 1 and 1.0, but not 1 and true; order of keys is nothing."""
    return json.dumps(_plain(value), sort_keys=True)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return value


def inner(node: Node, named: tuple[str, ...] = NAMED) -> list[Any]:
    """The schemas directly in a schema; ``named`` are the keywords with schemas by name."""
    found: list[Any] = []
    for key, value in node.items():
        if key in named and isinstance(value, dict):
            found += value.values()
        elif key in MANY and isinstance(value, list):
            found += value
        elif key in ONE:
            found.append(value)
    return found


def with_parts(node: Node, change: Callable[[Any], Any]) -> Node:
    """The same with another schema in place of each that stands directly in it."""

    def changed(key: str, value: Any) -> Any:
        if key in NAMED and isinstance(value, dict):
            return {name: change(each) for name, each in value.items()}
        if key in MANY and isinstance(value, list):
            return [change(each) for each in value]
        return change(value) if key in ONE else value

    return {key: changed(key, value) for key, value in node.items()}
