"""Which kinds of values a schema allows, and where its references point."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from coblyn.constraints.node import TooLarge

__all__ = ["ALL_KINDS", "Kinds", "Scope", "kind_of", "kinds_of", "typed"]

Kinds = frozenset[str]

_OF_TYPE = {
    "null": frozenset({"null"}),
    "boolean": frozenset({"boolean"}),
    "string": frozenset({"string"}),
    "integer": frozenset({"integer"}),
    "number": frozenset({"integer", "fraction"}),
    "array": frozenset({"array"}),
    "object": frozenset({"object"}),
}

ALL_KINDS: Kinds = frozenset().union(*_OF_TYPE.values())
"""The types of JSON Schema, with numbers in two: whole ones and others."""

_MAX_DEPTH = 8
_MAX_STEPS = 300_000
"""Looks at a schema, for all of one whole: references that each hold several lead to far more than it is long."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What references may point to.

    Attributes:
        root: The whole schema.
        depth: How many references were followed, of which there may be eight: they may go in circles.
        steps: Counts the looks at schemas, in all scopes of the same whole.
    """

    root: Any
    depth: int = 0
    steps: Iterator[int] = field(default_factory=count, repr=False, compare=False)

    def step(self) -> None:
        """Count a look at a schema.

        Raises:
            TooLarge: There were too many.
        """
        if next(self.steps) >= _MAX_STEPS:
            raise TooLarge

    def find(self, reference: Any) -> tuple[Any, Scope] | None:
        """The schema at a reference into the whole (``#/...``), and the scope to go on with."""
        if not isinstance(reference, str) or self.depth >= _MAX_DEPTH:
            return None
        if reference != "#" and not reference.startswith("#/"):
            return None
        found = self.root
        for part in reference[1:].split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, dict) or key not in found:
                return None
            found = found[key]
            if isinstance(found, dict) and ("$id" in found or "id" in found):
                return None  # references in it mean something else
        return found, Scope(self.root, self.depth + 1, self.steps)


def kind_of(value: Any) -> str:
    """The kind of a value of JSON."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case str():
            return "string"
        case int():
            return "integer"
        case float():
            return "integer" if value.is_integer() else "fraction"
        case list():
            return "array"
        case _:
            return "object"


def kinds_of(schema: Any, scope: Scope) -> Kinds:
    """The kinds of the values that may fit a schema; there may be fewer."""
    scope.step()
    if schema is False:
        return frozenset()
    if not isinstance(schema, dict):
        return ALL_KINDS
    found = ALL_KINDS
    for each in _limits(schema, scope):
        found &= each
    return found


def _limits(schema: Mapping[str, Any], scope: Scope) -> Iterator[Kinds]:
    if "type" in schema:
        types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        known = [_OF_TYPE.get(each, ALL_KINDS) for each in types if isinstance(each, str)]
        yield _union(known) if known else ALL_KINDS  # llguidance says what is wrong with it
    if "const" in schema:
        yield frozenset({kind_of(schema["const"])})
    if isinstance(values := schema.get("enum"), list):
        yield frozenset(map(kind_of, values))
    if found := scope.find(schema.get("$ref")):
        yield kinds_of(*found)
    for each in _list(schema, "allOf"):
        yield kinds_of(each, scope)
    for key in ("anyOf", "oneOf"):
        if key in schema:
            yield _union(kinds_of(each, scope) for each in _list(schema, key))


def _union(many: Iterable[Kinds]) -> Kinds:
    return frozenset().union(*many)


def _list(schema: Mapping[str, Any], key: str) -> list[Any]:
    found = schema.get(key, [])
    return found if isinstance(found, list) else []


def typed(kinds: Kinds) -> Any:
    """A schema of all values of some kinds; None where there is none, for fractions without whole numbers."""
    if kinds == ALL_KINDS:
        return True
    names = [name for name, parts in _OF_TYPE.items() if parts <= kinds]
    if "number" in names:
        names.remove("integer")
    elif "fraction" in kinds:
        return None
    return {"type": names} if names else False
