"""Schemas in the keywords that llguidance enforces: what fits is the same before and after.

Where a keyword cannot be said in others it stays, and llguidance refuses it by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import permutations
from typing import Any

from coblyn.constraints.drafts import as_in_draft, draft_of, meta_schema
from coblyn.constraints.exclusive import exclusive
from coblyn.constraints.formats import of_format
from coblyn.constraints.inhabited import Inhabited
from coblyn.constraints.kinds import ALL_KINDS, Scope, kinds_of
from coblyn.constraints.negation import any_of, negated
from coblyn.constraints.node import (
    Node,
    TooLarge,
    Unenforceable,
    also,
    identity,
    listed,
    with_parts,
)
from coblyn.constraints.properties import (
    dependencies,
    num_properties,
    property_dependencies,
    property_names,
    unevaluated_properties,
    with_plain_names,
)
from coblyn.constraints.spelling import translated

__all__ = ["rewritten"]

_MAX_PARTS = 200_000
_PLAIN_ESCAPES = 'nrbtf\\"'
_OF_THE_WHOLE = ("$schema", "x-guidance")
_BASE64 = "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
_STORAGE = {"int32", "int64", "uint32", "uint64", "float", "double", "decimal"}


def rewritten(schema: Any, *, has_plain_text: bool = False) -> Any:
    """The schema in keywords that llguidance enforces.

    Args:
        schema: As it came.
        has_plain_text: Names are kept apart because texts have no escapes by number. If not, patterns keep them
            apart, and may meet other patterns.

    Raises:
        Unenforceable: It is not enforced, or becomes too large.
    """
    draft = draft_of(schema.get("$schema") if isinstance(schema, dict) else None)
    try:
        schema = as_in_draft(schema, draft)
        if draft == "07":  # later ones leave contents to those who read the value
            schema = _with_contents(schema)
        rewriter = _Rewriter(Scope(schema), has_plain_text)
        found = rewriter.schema(schema)
    except RecursionError as error:
        raise Unenforceable("it is nested too deeply") from error
    if not isinstance(found, dict):
        return found
    if "$schema" in schema:
        found = {"$schema": meta_schema(draft), **found}
    if rewriter.needs_plain_text:
        found["x-guidance"] = {"json_allowed_escapes": _PLAIN_ESCAPES}
    return found


class _Rewriter:
    """Goes through a schema from the outside to the inside: what a keyword becomes may have to be rewritten, too."""

    def __init__(self, scope: Scope, has_plain_text: bool) -> None:
        self._scope = scope
        self._inhabited = Inhabited(scope)
        self._num_parts = 0
        self._has_plain_text = has_plain_text
        self.needs_plain_text = has_plain_text

    def schema(self, schema: Any) -> Any:
        self._num_parts += 1
        if self._num_parts > _MAX_PARTS:
            raise TooLarge
        if not isinstance(schema, dict):
            return schema
        if "$ref" in schema and self._inhabited.is_empty(schema["$ref"]):
            return False  # llguidance would refuse it for a property that may be left out, too
        node: Node = {key: value for key, value in schema.items() if key not in _OF_THE_WHOLE}
        for keyword, step in _STEPS.items():
            if keyword in node:
                step(node, self._scope)
        num_properties(node)
        node = with_parts(node, self.schema)
        if self._has_plain_text:
            return _with_patterns_last(node)
        plain = with_plain_names(node)
        self.needs_plain_text |= plain is None
        return _with_patterns_last(node if plain is None else plain)


def _with_patterns_last(node: Node) -> Node:
    """The same, since llguidance loses patterns of names that allOf parts from ``additionalProperties``."""
    last = ("patternProperties", "additionalProperties")
    if "allOf" not in node or not node.keys() >= set(last):
        return node
    return _without(node, *last) | {key: node[key] for key in last}


def _counts(node: Node, _: Scope) -> None:
    """Counts may be written with a fraction of zero."""
    for key in _COUNTS:
        if isinstance(count := node.get(key), float) and count.is_integer():
            node[key] = int(count)


def _format(node: Node, _: Scope) -> None:
    name = node["format"]
    if not isinstance(name, str):
        return
    if node.get("type") in ("integer", "number") or name in _STORAGE:
        del node["format"]
    elif (written := of_format(name)) is not None:
        del node["format"]
        if node.keys() & written.keys():
            also(node, written)
        else:
            node.update(written)


def _with_contents(schema: Any) -> Any:
    """Contents of texts as patterns. They are first of all: a negation takes them for notes."""
    if not isinstance(schema, dict):
        return schema
    node = with_parts(schema, _with_contents)
    encoding = node.get("contentEncoding", "binary")
    if node.get("contentMediaType") == "application/json":
        raise Unenforceable('contentMediaType "application/json" is not enforced in draft 7')
    if encoding == "base64":
        also(node, {"pattern": _BASE64})
    elif encoding not in ("7bit", "8bit", "binary"):
        raise Unenforceable(f"contentEncoding {str(encoding)[:50]!r} is not enforced in draft 7")
    return node


def _pattern(node: Node, _: Scope) -> None:
    if isinstance(node["pattern"], str):
        node["pattern"] = translated(node["pattern"])


def _patterns_of_names(node: Node, _: Scope) -> None:
    if isinstance(node["patternProperties"], dict):
        items = node["patternProperties"].items()
        node["patternProperties"] = {translated(pattern): value for pattern, value in items}


def _not(node: Node, scope: Scope) -> None:
    among = kinds_of({key: value for key, value in node.items() if key != "not"}, scope)
    other = negated(node["not"], among, scope)
    if other is None:
        return
    inner = node.pop("not")
    if isinstance(values := node.get("enum"), list) and isinstance(inner, dict):
        banned = inner.get("enum", [inner["const"]] if "const" in inner else None)
        if isinstance(banned, list) and not inner.keys() - {"enum", "const", "type"}:
            gone = set(map(identity, banned))
            node["enum"] = [value for value in values if identity(value) not in gone]
            return
    also(node, other)


def _one_of(node: Node, scope: Scope) -> None:
    among = kinds_of({key: value for key, value in node.items() if key != "oneOf"}, scope)
    ways = exclusive(listed(node["oneOf"]), among, scope)
    if ways is None:
        return
    written: Node = {}
    for key, value in node.items():
        if key != "oneOf":
            written[key] = value
        elif "anyOf" not in node:
            written["anyOf"] = ways  # in its place, which is that of its properties
    if not ways or "anyOf" in node:
        written.pop("anyOf" if not ways else "", None)
        also(written, {"anyOf": ways} if ways else False)
    node.clear()
    node.update(written)


def _if(node: Node, scope: Scope) -> None:
    condition = node["if"]
    yes, no = node.get("then", True), node.get("else", True)
    if yes is not True or no is not True:
        other = negated(condition, kinds_of(_without(node, "if", "then", "else"), scope), scope)
        if other is None:
            return
        first = condition if yes is True else {"allOf": [condition, yes]}
        second = other if no is True else {"allOf": [other, no]}
        first = False if yes is False else first
        second = False if other is False or no is False else second
        also(node, any_of([first, second]))
    for key in ("if", "then", "else"):
        node.pop(key, None)


def _then(node: Node, _: Scope) -> None:
    if "if" not in node:
        node.pop("then", None)
        node.pop("else", None)


def _without(node: Node, *keys: str) -> Node:
    return {key: value for key, value in node.items() if key not in keys}


def _unique_items(node: Node, scope: Scope) -> None:
    if node["uniqueItems"] is False or _is_short(node.get("maxItems")):
        del node["uniqueItems"]
        return
    values = _finite(node.get("items"), scope)
    if values is None or len(values) > 5 or kinds_of(node, scope) != {"array"}:
        return
    if not node.keys() <= {"type", "items", "uniqueItems", "minItems", "maxItems", *_WORDS}:
        return
    low, high = node.get("minItems", 0), node.get("maxItems", len(values))
    if not isinstance(low, int) or not isinstance(high, int):
        return
    counts = range(max(low, 0), min(high, len(values)) + 1)
    lists = [list(each) for count in counts for each in permutations(values, count)]
    for key in ("type", "items", "uniqueItems", "minItems", "maxItems"):
        node.pop(key, None)
    if lists:
        node["enum"] = lists
    else:
        also(node, False)


def _is_short(count: Any) -> bool:
    return isinstance(count, int) and count <= 1


def _finite(schema: Any, scope: Scope) -> list[Any] | None:
    """The values that fit a schema, if it names them."""
    if not isinstance(schema, dict):
        return None
    if "$ref" in schema and (found := scope.find(schema["$ref"])):
        return _finite(*found)
    if not schema.keys() <= {"enum", "const", "type", *_WORDS}:
        return None
    kinds = kinds_of(_without(schema, "enum", "const"), scope)
    if schema.get("type") == "boolean":
        return [False, True]
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    if not isinstance(values, list) or (kinds != ALL_KINDS and "enum" not in schema):
        return None
    fitting = [value for value in values if kinds_of({"const": value}, scope) <= kinds]
    return list({identity(value): value for value in fitting}.values())


def _contains(node: Node, _: Scope) -> None:
    if node.get("minContains") == 0 and "maxContains" not in node:
        del node["contains"], node["minContains"]


def _beside_contains(node: Node, _: Scope) -> None:
    if "contains" not in node:
        node.pop("minContains", None)
        node.pop("maxContains", None)


_COUNTS = (
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "minContains",
    "maxContains",
)
_WORDS = ("title", "description", "$comment", "default", "examples", "example", "deprecated")

_STEPS: Mapping[str, Callable[[Node, Scope], None]] = {
    "unevaluatedProperties": unevaluated_properties,  # it looks at what others become
    **dict.fromkeys(_COUNTS, _counts),
    "format": _format,
    "pattern": _pattern,
    "patternProperties": _patterns_of_names,
    "not": _not,
    "oneOf": _one_of,
    "if": _if,
    "then": _then,
    "else": _then,
    "dependencies": dependencies("dependencies"),
    "dependentRequired": dependencies("dependentRequired"),
    "dependentSchemas": dependencies("dependentSchemas"),
    "propertyDependencies": property_dependencies,
    "uniqueItems": _unique_items,
    "contains": _contains,
    "minContains": _beside_contains,
    "maxContains": _beside_contains,
    "propertyNames": property_names,
}
"""What is done about a keyword, in this order."""
