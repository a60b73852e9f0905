"""Which part of a JSON schema is in the way of enforcing it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from coblyn.constraints.rewriting import MANY, NAMED, ONE

__all__ = ["Refusal", "find_refusal"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A part of a schema that cannot be enforced.

    Attributes:
        path: JSON pointer of the schema that contains it, as a fragment: ``#/properties/age``.
        reason: The reason.
    """

    path: str
    reason: str


def find_refusal(schema: Any, problem: Callable[[Any], str]) -> Refusal | None:
    """The deepest part of a schema that cannot be enforced.

    Args:
        schema: A schema that ``problem`` refuses.
        problem: Gives the reason why a schema cannot be enforced, or an empty string.
    """
    definitions = _definitions(schema)
    for path, part in _inner_first(schema, "#"):
        if not isinstance(part, dict):
            continue
        if reason := problem({**definitions, **part}):
            return Refusal(path, reason)
    return None


def _definitions(schema: Any) -> dict[str, Any]:
    """The definitions that references may point to."""
    if not isinstance(schema, dict):
        return {}
    return {key: schema[key] for key in ("$schema", "$defs", "definitions") if key in schema}


def _inner_first(schema: Any, path: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(schema, dict):
        return
    for key, value in schema.items():
        here = f"{path}/{_escaped(key)}"
        if key in NAMED and isinstance(value, dict):
            for name, inner in value.items():
                yield from _inner_first(inner, f"{here}/{_escaped(name)}")
        elif key in MANY and isinstance(value, list):
            for index, inner in enumerate(value):
                yield from _inner_first(inner, f"{here}/{index}")
        elif key in ONE:
            yield from _inner_first(value, here)
    yield path, schema


def _escaped(name: str) -> str:
    """A name in a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")
