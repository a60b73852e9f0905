"""Schemas of which exactly one has to fit, as alternatives that exclude each other."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

from coblyn.constraints.kinds import Kinds, Scope, kind_of, kinds_of
from coblyn.constraints.negation import negated

__all__ = ["exclusive", "is_disjoint"]

_MAX_BRANCHES = 40
_MAX_DEPTH = 5


def exclusive(branches: list[Any], among: Kinds, scope: Scope) -> list[Any] | None:
    """Each of some schemas without what fits another one, too.

    Args:
        branches: The schemas of ``oneOf``.
        among: The kinds of values that come into question.
        scope: For their references.

    Returns:
        Schemas, any of which may fit, since no two of them can; None where that cannot be said.
    """
    if len(branches) > _MAX_BRANCHES:
        return None
    found = []
    for index, branch in enumerate(branches):
        kinds = kinds_of(branch, scope) & among
        others = branches[:index] + branches[index + 1 :]
        without = []
        for other in others:
            if is_disjoint(branch, other, scope):
                continue
            rest = negated(other, kinds, scope)
            if rest is None:
                return None
            without.append(rest)
        if False not in without:
            left = [each for each in without if each is not True]
            found.append({"allOf": [branch, *left]} if left else branch)
    return found


def is_disjoint(one: Any, other: Any, scope: Scope, depth: int = 0) -> bool:
    """Whether it is certain that no value fits both of two schemas."""
    common = kinds_of(one, scope) & kinds_of(other, scope)
    if not common:
        return True
    if depth >= _MAX_DEPTH:
        return False
    first, second = _parts(one, scope), _parts(other, scope)
    if any(_are_apart(a, b, scope) for a, b in product(first, second)):
        return True
    if _has_only_apart_ways(first, other, scope, depth) or _has_only_apart_ways(
        second, one, scope, depth
    ):
        return True
    return common == {"object"} and _differ_in_a_property(first, second, scope, depth)


def _parts(schema: Any, scope: Scope) -> list[Mapping[str, Any]]:
    """All schemas that have to fit where one does."""
    scope.step()
    if not isinstance(schema, dict):
        return []
    parts: list[Mapping[str, Any]] = [schema]
    if found := scope.find(schema.get("$ref")):
        parts += _parts(*found)
    for each in _list(schema.get("allOf")):
        parts += _parts(each, scope)
    return parts


def _are_apart(one: Mapping[str, Any], other: Mapping[str, Any], scope: Scope) -> bool:
    """Whether the keywords of two schemas, without those of others in them, exclude each other."""
    scope.step()
    values, others = _values(one), _values(other)
    if values is not None and others is not None:
        return set(map(_identity, values)).isdisjoint(map(_identity, others))
    if values is not None:
        return kinds_of(other, scope).isdisjoint(map(kind_of, values))
    if others is not None:
        return kinds_of(one, scope).isdisjoint(map(kind_of, others))
    return False


def _values(schema: Mapping[str, Any]) -> list[Any] | None:
    """The values that a schema names, if it does."""
    if "const" in schema:
        return [schema["const"]]
    values = schema.get("enum")
    return values if isinstance(values, list) else None


def _identity(value: Any) -> tuple[Any, ...]:
    """The same for two values that may be the same for JSON Schema: only the kind of lists and objects counts."""
    return (kind_of(value),) if isinstance(value, dict | list) else (isinstance(value, bool), value)


def _has_only_apart_ways(
    parts: list[Mapping[str, Any]], other: Any, scope: Scope, depth: int
) -> bool:
    """Whether all alternatives of a schema exclude another one."""
    for part, key in product(parts, ("anyOf", "oneOf")):
        ways = _list(part.get(key))
        if ways and all(is_disjoint(way, other, scope, depth + 1) for way in ways):
            return True
    return False


def _differ_in_a_property(
    one: list[Mapping[str, Any]], other: list[Mapping[str, Any]], scope: Scope, depth: int
) -> bool:
    """Whether a property that one of two kinds of objects must have excludes the other."""
    first, second = _required(one), _required(other)
    for name in first | second:
        pairs = product(_properties(one, name), _properties(other, name))
        for mine, theirs in pairs:
            if mine is False or theirs is False:
                return True
            if name in first & second and is_disjoint(mine, theirs, scope, depth + 1):
                return True
    return False


def _required(parts: list[Mapping[str, Any]]) -> set[str]:
    names = (name for part in parts for name in _list(part.get("required")))
    return {name for name in names if isinstance(name, str)}


def _properties(parts: list[Mapping[str, Any]], name: str) -> list[Any]:
    """The schemas of a property."""
    found = []
    for part in parts:
        declared = part.get("properties")
        if isinstance(declared, dict) and name in declared:
            found.append(declared[name])
        elif "patternProperties" not in part:
            found.append(part.get("additionalProperties", True))
    return found


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
