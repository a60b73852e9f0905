"""What schemas say about the properties of objects, in keywords that llguidance enforces."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection
from itertools import combinations
from math import comb
from typing import Any

import regex

from coblyn.constraints.kinds import Scope
from coblyn.constraints.node import Node, Unenforceable, also, listed
from coblyn.constraints.spelling import other_than, translated

__all__ = [
    "dependencies",
    "num_properties",
    "property_dependencies",
    "property_names",
    "unevaluated_properties",
    "with_plain_names",
]

_MAX_WAYS = 100
_MAX_SIZE = 2000
"""Properties in all of these ways together."""
_MAX_OPTIONAL = 2000
"""Of one object: to compile it takes the square of that, here 3 s."""
_MAX_SECONDS = 0.5
"""For all names of an object together: an expression can be written so that it takes years."""
_APPLICATORS = {
    "$ref",
    "$dynamicRef",
    "$recursiveRef",
    "allOf",
    "anyOf",
    "oneOf",
    "if",
    "not",
    "dependentSchemas",
    "dependencies",
    "propertyDependencies",
}


def dependencies(keyword: str) -> Callable[[Node, Scope], None]:
    """A step that says what has to be true where a property is there, as alternatives."""

    def step(node: Node, _: Scope) -> None:
        if not isinstance(node[keyword], dict):
            return
        for name, needed in node.pop(keyword).items():
            if isinstance(needed, list):
                rest: Any = {"required": [name, *needed]} if needed else True
            else:
                rest = needed
            if rest is not True:
                also(node, {"anyOf": [{"properties": {name: False}}, rest]})

    return step


def property_dependencies(node: Node, _: Scope) -> None:
    """Say what has to be true where a property is a text as conditions (a proposal for drafts after 2020-12)."""
    named = node.pop("propertyDependencies")
    if not isinstance(named, dict) or not all(isinstance(each, dict) for each in named.values()):
        raise Unenforceable("propertyDependencies must have schemas by the name and the value")
    for name, schemas in named.items():
        for value, schema in schemas.items():
            is_so = {"type": "object", "properties": {name: {"const": value}}, "required": [name]}
            also(node, {"if": is_so, "then": schema})


def property_names(node: Node, scope: Scope) -> None:
    """Say what names may be as what properties there may be."""
    names = node["propertyNames"]
    while isinstance(names, dict) and "$ref" in names and (found := scope.find(names["$ref"])):
        names, scope = found
    pattern = _pattern_of_names(names)
    declared, more = node.get("properties", {}), node.get("additionalProperties", True)
    if pattern is None or "patternProperties" in node or not isinstance(declared, dict):
        return
    required = [name for name in listed(node.get("required")) if isinstance(name, str)]
    known = {**dict.fromkeys(required, more), **declared}
    if known and more not in (True, {}, False):
        return  # a declared property would have to fit it, too
    fitting = _fitting(pattern, known)
    if fitting is None:
        return
    del node["propertyNames"]
    if known:
        known = {**declared, **known}
        node["properties"] = {
            name: each if name in fitting else False for name, each in known.items()
        }
    if more is not False:
        node["patternProperties"] = {pattern: more}
        node["additionalProperties"] = False


def _fitting(pattern: str, names: Collection[str]) -> set[str] | None:
    """The names that an expression matches; None where it cannot be read, or takes too long."""
    deadline = time.monotonic() + _MAX_SECONDS
    fitting = set()
    try:
        # Version 1 has sets within sets, as Rust's syntax.
        allowed = regex.compile(pattern, regex.VERSION1)
        for name in names:
            left = max(deadline - time.monotonic(), 0.001)
            if allowed.search(name, timeout=left, concurrent=True):
                fitting.add(name)
    except (regex.error, TimeoutError):
        return None
    return fitting


def _pattern_of_names(names: Any) -> str | None:
    if names is True:
        return ""
    if not isinstance(names, dict):
        return None
    said = {
        key: value for key, value in names.items() if key not in ("type", "description", "title")
    }
    if names.get("type", "string") != "string" or (
        len(said) > 1 and not said.keys() <= {"minLength", "maxLength"}
    ):
        return None
    match said:
        case {"pattern": str(pattern)}:
            return translated(pattern)
        case {"enum": [*texts]} if all(isinstance(each, str) for each in texts):
            return f"^(?:{'|'.join(map(re.escape, texts))})$"
        case {"const": str(text)}:
            return f"^{re.escape(text)}$"
        case {"not": {"enum": [*texts]}} if all(isinstance(each, str) for each in texts):
            return other_than(frozenset(texts))
        case {"not": {"const": str(text)}}:
            return other_than({text})
        case _ if said.keys() <= {"minLength", "maxLength"} and all(map(_is_count, said.values())):
            low, high = (said.get(key, "") for key in ("minLength", "maxLength"))
            return rf"^[\s\S]{{{int(low or 0)},{high and int(high)}}}$"
    return None


def _is_count(value: Any) -> bool:
    """Whether it is a whole number from 0 on, which may be written with a fraction of zero."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        return False
    return isinstance(value, int) or value.is_integer()


def num_properties(node: Node) -> None:
    """Say how many properties there are as which of them there are.

    Raises:
        Unenforceable: Names that are not declared would be counted, and one may be written twice; or there are too many
            optional properties.
    """
    low, high = node.get("minProperties", 0), node.get("maxProperties")
    declared = node.get("properties", {})
    if not (isinstance(low, int) and isinstance(high, int | None) and isinstance(declared, dict)):
        return
    required = set(map(str, listed(node.get("required"))))
    is_open = node.get("additionalProperties") is not False or "patternProperties" in node
    optional = [
        name for name, each in declared.items() if name not in required and each is not False
    ]
    if len(optional) > _MAX_OPTIONAL:
        raise Unenforceable(
            f"it has {len(optional)} optional properties, of which {_MAX_OPTIONAL} are possible"
        )
    if low <= len(required):
        low = 0
        node.pop("minProperties", None)
    if low > 1 and is_open:
        raise Unenforceable(
            f"minProperties: {low}: names that are not declared may be written twice"
        )
    if optional and (low or high is not None):
        _spell_out(node, optional, low - len(required), high, is_open=is_open)


def _spell_out(
    node: Node, optional: list[str], low: int, high: int | None, *, is_open: bool
) -> None:
    """Some of the properties have to be there, or may not be there."""
    least, most = max(low, 0), len(optional)
    if high is not None and not is_open:
        room = high - len(listed(node.get("required")))
        if room < 0:
            node.pop("maxProperties")
            also(node, False)
        elif room < most:
            if comb(most, room) > _MAX_WAYS:
                return
            node.pop("maxProperties")
            ways = combinations(optional, most - room)
            also(node, {"anyOf": [{"properties": dict.fromkeys(way, False)} for way in ways]})
        else:
            node.pop("maxProperties")
    num_ways = comb(most, min(least, most))
    if not least or num_ways > min(_MAX_WAYS, _MAX_SIZE // most):
        return
    if high is not None and is_open:
        return
    del node["minProperties"]
    there = _with_some(optional, least)
    if is_open:
        there.append({"minProperties": 1, "properties": dict.fromkeys(optional, False)})
    also(node, {"anyOf": there} if there else False)


def _with_some(optional: list[str], least: int) -> list[Node]:
    """Objects with a number of some properties."""
    if least > 1:
        return [{"required": list(way)} for way in combinations(optional, least)]
    # By the first of them, so that no object fits two of these.
    return [
        {"required": [name], "properties": dict.fromkeys(optional[:index], False)}
        for index, name in enumerate(optional)
    ]


def unevaluated_properties(node: Node, _: Scope) -> None:
    """Say it as ``additionalProperties``, which is the same where no other schema looks at the object."""
    if _APPLICATORS.isdisjoint(node):
        more = node.pop("unevaluatedProperties")
        node.setdefault("additionalProperties", more)


def with_plain_names(node: Node) -> Node | None:
    r"""The same, where a name cannot be told as another one, by escapes that are not needed.

    llguidance takes ``"\u0061"`` for a name that is not declared, beside ``"a"`` that is. Names that match a pattern
    have no such escapes.

    Returns:
        The schema; None where that takes a text without any such escapes.
    """
    more = node.get("additionalProperties", True)
    declared = node.get("properties", {})
    if more is False or not isinstance(declared, dict):
        return node
    if "patternProperties" in node:
        return None
    is_free = more in (True, {})
    if not declared or (is_free and all(each in (True, {}) for each in declared.values())):
        return node
    required = [name for name in listed(node.get("required")) if isinstance(name, str)]
    known = {**declared, **{name: more for name in required if name not in declared}}
    others = "" if is_free else other_than(frozenset(known))
    if others is None:
        return None
    written = {
        "properties": known,
        "patternProperties": {others: more},
        "additionalProperties": False,
    }
    return {**node, **written}
