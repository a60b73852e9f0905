"""A schema while it is rewritten."""

from __future__ import annotations

from typing import Any

__all__ = ["Node", "TooLarge", "Unenforceable", "also", "listed"]

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
