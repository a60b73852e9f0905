"""A schema while it is rewritten."""

from __future__ import annotations

from typing import Any

__all__ = ["Node", "Unenforceable", "also", "listed"]

Node = dict[str, Any]


class Unenforceable(ValueError):
    """A schema that llguidance would take for enforced, and that is not."""


def also(node: Node, part: Any) -> None:
    """Add a schema that has to fit as well."""
    if part is not True:
        node["allOf"] = [*listed(node.get("allOf")), part]


def listed(value: Any) -> list[Any]:
    """A list, empty where there is none."""
    return value if isinstance(value, list) else []
