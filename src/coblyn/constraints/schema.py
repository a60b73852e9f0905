"""Which part of a JSON schema is in the way of enforcing it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from coblyn.constraints.kinds import Scope
from coblyn.constraints.node import MANY, NAMED, ONE

__all__ = ["NOTHING_FITS", "Refusal", "find_refusal"]

NOTHING_FITS = "no value fits"
"""The beginning of the reason for which a schema without values is refused."""

_MAX_SECONDS = 1.0
_MAX_DEPTH = 200
_DEFINED = ("#/$defs/", "#/definitions/")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A part of a schema that cannot be enforced.

    Attributes:
        path: JSON pointer of the schema that contains it, as a fragment: ``#/properties/age``.
        reason: The reason.
    """

    path: str
    reason: str


def find_refusal(schema: Any, reason: str, problem: Callable[[Any], str]) -> Refusal:
    """The deepest part of a schema that is the cause of its refusal, as far as it is found within a second.

    From the whole inward: into a part that is refused for the same reason by itself, else into one that is refused for
    another. What no value fits is a cause only where no value fits the whole around it either: a property that can
    never be given may be left out.

    Args:
        schema: A schema that ``problem`` refuses.
        reason: The reason it gives.
        problem: Gives the reason why a schema cannot be enforced, or an empty string.
    """
    deadline = time.monotonic() + _MAX_SECONDS
    definitions, scope = _definitions(schema), Scope(schema)
    path, part, seen = "#", schema, {"#"}
    while len(seen) < _MAX_DEPTH:
        refused: list[tuple[str, Any, str]] = []
        for where, inner in _inner(part, path, scope):
            if time.monotonic() > deadline:
                return Refusal(path, reason)
            why = problem({**definitions, **inner}) if where not in seen else ""
            if why and (_is_empty(reason) or not _is_empty(why)):
                refused.append((where, inner, why))
            if why == reason:
                break
        if not refused:
            break
        path, part, reason = next((each for each in refused if each[2] == reason), refused[0])
        seen.add(path)
    return Refusal(path, reason)


def _is_empty(reason: str) -> bool:
    return reason.startswith(NOTHING_FITS)


def _definitions(schema: Any) -> dict[str, Any]:
    """The definitions that references may point to."""
    if not isinstance(schema, dict):
        return {}
    return {key: schema[key] for key in ("$schema", "$defs", "definitions") if key in schema}


def _inner(schema: Any, path: str, scope: Scope) -> Iterator[tuple[str, dict[str, Any]]]:
    """The schemas in a schema and at its reference; definitions come last, since it may not refer to them."""
    if not isinstance(schema, dict):
        return
    found = scope.find(schema.get("$ref"))
    if found and isinstance(found[0], dict):
        yield schema["$ref"], found[0]
    parts = sorted(_parts(schema, path), key=lambda part: part[0].startswith(_DEFINED))
    yield from (part for part in parts if isinstance(part[1], dict))


def _parts(schema: dict[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    for key, value in schema.items():
        here = f"{path}/{_escaped(key)}"
        if key in NAMED and isinstance(value, dict):
            yield from ((f"{here}/{_escaped(name)}", each) for name, each in value.items())
        elif key in MANY and isinstance(value, list):
            yield from ((f"{here}/{index}", each) for index, each in enumerate(value))
        elif key in ONE:
            yield here, value


def _escaped(name: str) -> str:
    """A name in a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")
