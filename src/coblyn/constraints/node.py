"""A schema while it is rewritten."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["Node", "TooLarge", "Unenforceable", "also", "identity", "listed"]

Node = dict[str, Any]


class Unenforceable(ValueError):
    """A schema that llguidance would take for enforced, and that is not."""


class TooLarge(Unenforceable):
    """A schema that takes too much time or memory to be written in other keywords; where in it is not sought."""

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
