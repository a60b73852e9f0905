"""The schema of all values that do not fit a schema, in keywords that llguidance knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from coblyn.constraints.kinds import ALL_KINDS, Kinds, Scope, kind_of, typed
from coblyn.constraints.spelling import other_than

__all__ = ["negated"]


def negated(schema: Any, among: Kinds, scope: Scope) -> Any:
    """What fits where a schema does not.

    Args:
        schema: Any.
        among: The kinds of values that come into question; of others, the result may say anything.
        scope: For its references.

    Returns:
        A schema; None where it cannot be said.
    """
    scope.step()
    if isinstance(schema, bool) or not schema:
        return schema is False
    if not isinstance(schema, dict):
        return None
    ways = []
    for key, value in schema.items():
        if key in _OF_KIND and _OF_KIND[key] not in among and key not in _NUMERIC:
            continue
        if key in _NUMERIC and among.isdisjoint({"integer", "fraction"}):
            continue
        if key in _UNKNOWN and value not in (True, {}):
            return None
        if key in _KEYWORDS:
            way = _KEYWORDS[key](value, among, scope)
            if way is None:
                return None
            ways.append(way)
    return any_of(ways)


def any_of(ways: list[Any]) -> Any:
    """Some schemas as alternatives."""
    if True in ways:
        return True
    left = [way for way in ways if way is not False]
    if not left:
        return False
    return left[0] if len(left) == 1 else {"anyOf": left}


def _type(value: Any, among: Kinds, _: Scope) -> Any:
    types = value if isinstance(value, list) else [value]
    if not all(isinstance(each, str) for each in types):
        return None
    kinds = set(ALL_KINDS)
    for each in types:
        kinds -= {"integer", "fraction"} if each == "number" else {each}
    left = among & kinds
    if "fraction" in left and "integer" not in left:
        return None
    return typed(left)


def _enum(values: Any, among: Kinds, _: Scope) -> Any:
    if not isinstance(values, list):
        return None
    found = {kind: [each for each in values if kind_of(each) == kind] for kind in ALL_KINDS}
    numbers = found["integer"] + found["fraction"]
    numeric = frozenset({"integer", "fraction"}) if numbers else frozenset()
    touched = {kind for kind in ALL_KINDS if found[kind]} | numeric
    ways = [typed(among - touched)]
    ways += [_OTHERS[kind](found[kind]) for kind in sorted(touched & among - numeric)]
    if numeric & among:
        ways.append(_other_numbers(sorted(numbers), numeric & among))
    return None if None in ways else any_of(ways)


def _other_strings(texts: list[Any]) -> Any:
    pattern = other_than(frozenset(texts))
    return {"type": "string", "pattern": pattern} if pattern else None


def _other_numbers(values: list[Any], kinds: Kinds) -> Any:
    """Numbers between some, below the least, and above the greatest."""
    kind = "integer" if kinds == {"integer"} else "number"
    ways: list[Any] = [{"type": kind, "exclusiveMaximum": values[0]}]
    for low, high in pairwise(values):
        if high > low and (kind == "number" or high - low > 1):
            ways.append({"type": kind, "exclusiveMinimum": low, "exclusiveMaximum": high})
    return any_of([*ways, {"type": kind, "exclusiveMinimum": values[-1]}])


def _other_lists(values: list[Any]) -> Any:
    return {"type": "array", "minItems": 1} if values == [[]] else None


def _other_objects(values: list[Any]) -> Any:
    return {"type": "object", "minProperties": 1} if values == [{}] else None


def _other_booleans(values: list[Any]) -> Any:
    left = [each for each in (True, False) if each not in values]
    return {"enum": left} if left else False


_OTHERS: Mapping[str, Callable[[list[Any]], Any]] = {
    "null": lambda _: False,
    "boolean": _other_booleans,
    "string": _other_strings,
    "array": _other_lists,
    "object": _other_objects,
}


def _required(names: Any, _: Kinds, __: Scope) -> Any:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return None
    return any_of([{"type": "object", "properties": {name: False}} for name in names])


def _properties(schemas: Any, _: Kinds, scope: Scope) -> Any:
    if not isinstance(schemas, dict):
        return None
    ways = []
    for name, schema in schemas.items():
        other = negated(schema, ALL_KINDS, scope)
        if other is None:
            return None
        if other is not False:
            ways.append({"type": "object", "properties": {name: other}, "required": [name]})
    return any_of(ways)


def _any_of(schemas: Any, among: Kinds, scope: Scope) -> Any:
    if not isinstance(schemas, list):
        return None
    parts = [negated(schema, among, scope) for schema in schemas]
    left = [part for part in parts if part is not True]
    if None in parts or False in parts:
        return None if None in parts else False
    return {"allOf": left} if left else True


def _all_of(schemas: Any, among: Kinds, scope: Scope) -> Any:
    if not isinstance(schemas, list):
        return None
    parts = [negated(schema, among, scope) for schema in schemas]
    return None if None in parts else any_of(parts)


def _reference(value: Any, among: Kinds, scope: Scope) -> Any:
    found = scope.find(value)
    return negated(found[0], among, found[1]) if found else None


def _bound(kind: str, keyword: str, shift: int) -> Callable[[Any, Kinds, Scope], Any]:
    """What is beyond a bound; the bounds of counts are shifted by one."""

    def write(value: Any, _: Kinds, __: Scope) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        if shift and value + shift < 0:
            return False
        return {"type": kind, keyword: value + shift}

    return write


_KEYWORDS: Mapping[str, Callable[[Any, Kinds, Scope], Any]] = {
    "type": _type,
    "enum": _enum,
    "const": lambda value, among, scope: _enum([value], among, scope),
    "required": _required,
    "properties": _properties,
    "not": lambda value, _, __: value,
    "anyOf": _any_of,
    "allOf": _all_of,
    "$ref": _reference,
    "minimum": _bound("number", "exclusiveMaximum", 0),
    "maximum": _bound("number", "exclusiveMinimum", 0),
    "exclusiveMinimum": _bound("number", "maximum", 0),
    "exclusiveMaximum": _bound("number", "minimum", 0),
    "minLength": _bound("string", "maxLength", -1),
    "maxLength": _bound("string", "minLength", 1),
    "minItems": _bound("array", "maxItems", -1),
    "maxItems": _bound("array", "minItems", 1),
    "minProperties": _bound("object", "maxProperties", -1),
    "maxProperties": _bound("object", "minProperties", 1),
}

_NUMERIC = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
_OF_KIND = {
    **dict.fromkeys(_NUMERIC, "integer"),
    **dict.fromkeys(("minLength", "maxLength", "pattern", "format"), "string"),
    **dict.fromkeys(
        (
            "minItems",
            "maxItems",
            "items",
            "prefixItems",
            "additionalItems",
            "contains",
            "minContains",
            "maxContains",
            "uniqueItems",
            "unevaluatedItems",
        ),
        "array",
    ),
    **dict.fromkeys(
        (
            "minProperties",
            "maxProperties",
            "required",
            "properties",
            "patternProperties",
            "additionalProperties",
            "propertyNames",
            "dependencies",
            "dependentRequired",
            "dependentSchemas",
            "propertyDependencies",
            "unevaluatedProperties",
        ),
        "object",
    ),
}
"""The kind of values that a keyword is about; all others fit it."""

_UNKNOWN = set(_OF_KIND) - set(_KEYWORDS) | {
    "oneOf",
    "if",
    "then",
    "else",
    "$dynamicRef",
    "$recursiveRef",
}
"""Keywords that refuse values, in ways that cannot be turned around."""
