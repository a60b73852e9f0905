"""Converts a JSON schema to GBNF, for clients that want the grammar itself.

Text that matches the grammar matches the schema.

The grammar may be narrower than the schema: properties come in their declared order, and additional properties are
allowed only if none are declared. A schema with a keyword that such a grammar cannot express is refused with the
keyword's place. Requests with a schema do not use this but masks (``schema.py``), which support more keywords.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from coblyn.errors import ConstraintRefused

__all__ = ["gbnf_of_schema"]

T = TypeVar("T", dict[str, Any], list[Any])

MAX_RULES = 10_000

_BASE = {
    "ws": r'| " " | "\n" [ \t]{0,20}',
    "char": r'[^"\\\x7F\x00-\x1F] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F]{4})',
    "string": r'"\"" char* "\""',
    "integer": r'"-"? ("0" | [1-9] [0-9]{0,15})',
    "number": r'"-"? ("0" | [1-9] [0-9]{0,15}) ("." [0-9]{1,16})? ([eE] [-+]? [0-9]{1,3})?',
    "boolean": '"true" | "false"',
    "null": '"null"',
    "value": "object | array | string | number | boolean | null",
    "object": '"{" ws (string ws ":" ws value ws ("," ws string ws ":" ws value ws)*)? "}"',
    "array": '"[" ws (value ws ("," ws value ws)*)? "]"',
}
"""JSON (RFC 8259), with numbers of limited length."""

_NEEDS = {
    "string": ("char",),
    "object": ("string", "value", "ws"),
    "array": ("value", "ws"),
    "value": ("object", "array", "string", "number", "boolean", "null"),
}

_ANNOTATIONS = frozenset(
    {
        "$anchor",
        "$comment",
        "$defs",
        "$id",
        "$schema",
        "default",
        "definitions",
        "deprecated",
        "description",
        "example",
        "examples",
        "format",
        "readOnly",
        "title",
        "writeOnly",
    }
)
"""Keywords that do not restrict values; by default ``format`` is one of them (2020-12, 7.2.1)."""

_OF_TYPE = {
    "object": frozenset({"properties", "required", "additionalProperties"}),
    "array": frozenset({"items", "prefixItems", "minItems", "maxItems"}),
    "string": frozenset({"minLength", "maxLength"}),
}
_TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")


def gbnf_of_schema(schema: Any) -> str:
    """The grammar of a schema.

    Args:
        schema: The parsed JSON.

    Raises:
        ConstraintRefused: A keyword cannot be expressed in a grammar; the message has its place.
    """
    writer = _Writer(schema)
    root = writer.rule("root", writer.body(schema, "#"))
    assert root == "root", "it is the first"
    return "".join(f"{name} ::= {body}\n" for name, body in writer.rules.items())


class _Writer:
    """Collects rules under unique names.

    Args:
        schema: The whole schema, which references point into.
    """

    def __init__(self, schema: Any) -> None:
        self._schema = schema
        self._references: dict[str, str] = {}
        self.rules: dict[str, str] = {"root": ""}

    def rule(self, wanted: str, body: str) -> str:
        """Add a rule with this body, and give its name."""
        self.rules[wanted] = body
        if len(self.rules) > MAX_RULES:
            raise ConstraintRefused(f"The schema needs more than {MAX_RULES} rules.")
        return wanted

    def body(self, schema: Any, place: str) -> str:
        """The body of the rule for a schema's values."""
        if schema is True or schema == {}:
            return self._base("value")
        if not isinstance(schema, dict):
            raise _refused(place, "no value fits it" if schema is False else "it is not a schema")
        schema = {name: each for name, each in schema.items() if name not in _ANNOTATIONS}
        for keyword, write in _ALONE.items():
            if keyword in schema:
                self._require_alone(schema, keyword, place)
                return write(self, schema[keyword], f"{place}/{keyword}")
        types = schema.pop("type", None) or _implied(schema)
        kinds = types if isinstance(types, list) else [types]
        unknown = [kind for kind in kinds if kind not in _TYPES]
        if unknown or not kinds:
            raise _refused(f"{place}/type", f"{unknown} is not a type")
        self._require_known(schema, place)
        return " | ".join(self._typed(kind, schema, place) for kind in kinds)

    def named(self, schema: Any, place: str) -> str:
        """The name of a rule for a schema's values, possibly one of JSON's base rules."""
        body = self.body(schema, place)
        if re.fullmatch(r"[a-z0-9-]+", body):
            return body
        return self.rule(self._free(place), body)

    def any_of(self, schemas: Any, place: str) -> str:
        """A value of any of several schemas."""
        if not isinstance(schemas, list) or not schemas:
            raise _refused(place, "it must be a list of schemas")
        names = [self.named(each, f"{place}/{i}") for i, each in enumerate(schemas)]
        return " | ".join(dict.fromkeys(names))

    def one_of(self, schemas: Any, place: str) -> str:
        """A value of exactly one of several schemas, which must have disjoint types."""
        kinds = [
            each.get("type") if isinstance(each, dict) else None
            for each in (schemas if isinstance(schemas, list) else [])
        ]
        is_apart = all(isinstance(kind, str) for kind in kinds) and len(set(kinds)) == len(kinds)
        if not is_apart or {"number", "integer"} <= set(kinds):
            raise _refused(place, "its schemas may fit the same value; anyOf says that they may")
        return self.any_of(schemas, place)

    def all_of(self, schemas: Any, place: str) -> str:
        """A value of all of several schemas; only one schema is supported."""
        if not isinstance(schemas, list) or len(schemas) != 1:
            raise _refused(place, "a grammar cannot hold several schemas at once")
        return self.body(schemas[0], f"{place}/0")

    def enum(self, values: Any, place: str) -> str:
        """One of several values."""
        if not isinstance(values, list) or not values:
            raise _refused(place, "it must be a list of values")
        return " | ".join(_text(json.dumps(each)) for each in values)

    def const(self, value: Any, place: str) -> str:
        """A constant value."""
        return self.enum([value], place)

    def reference(self, target: Any, place: str) -> str:
        """A value of the schema that a reference points to; references may be recursive."""
        if not isinstance(target, str) or not target.startswith("#"):
            raise _refused(place, "references must point into the schema, with #")
        if target not in self._references:
            self._references[target] = name = self._free(target)
            self.rules[name] = ""
            self.rule(name, self.body(self._look_up(target, place), target))
        return self._references[target]

    def _look_up(self, target: str, place: str) -> Any:
        value = self._schema
        for part in filter(None, target[1:].split("/")):
            key = part.replace("~1", "/").replace("~0", "~")
            try:
                value = value[int(key)] if isinstance(value, list) else value[key]
            except (KeyError, IndexError, ValueError, TypeError):
                raise _refused(place, f"there is nothing at {target}") from None
        return value

    def _typed(self, kind: str, schema: Mapping[str, Any], place: str) -> str:
        writer = {"object": self._object, "array": self._array, "string": self._string}.get(kind)
        has_more = writer and not _OF_TYPE[kind].isdisjoint(schema)
        return writer(schema, place) if writer and has_more else self._base(kind)

    def _object(self, schema: Mapping[str, Any], place: str) -> str:
        self._base("ws")
        more = schema.get("additionalProperties", True)
        declared = dict(_part(schema, "properties", dict, place))
        required = _part(schema, "required", list, place)
        if not all(isinstance(each, str) for each in required):
            raise _refused(f"{place}/required", "it must be a list of names")
        for name in required:
            declared.setdefault(name, more)
        if not declared:
            return self._map(more, place)
        pairs = [
            (self._pair(name, each, f"{place}/properties/{_escaped(name)}"), name in required)
            for name, each in declared.items()
        ]
        return f'"{{" ws {self._members(pairs, place)} "}}"'

    def _map(self, values: Any, place: str) -> str:
        """An object with any property names."""
        if values is False:
            return '"{" ws "}"'
        name = self.named(values, f"{place}/additionalProperties")
        pair = f'{self._base("string")} ws ":" ws {name} ws'
        return f'"{{" ws ({pair} ("," ws {pair})*)? "}}"'

    def _pair(self, name: str, schema: Any, place: str) -> str:
        return f'{_text(json.dumps(name))} ws ":" ws {self.named(schema, place)} ws'

    def _members(self, pairs: list[tuple[str, bool]], place: str) -> str:
        """Pairs in order, separated by commas; optional ones may be omitted."""
        rest, following = "", ""
        for pair, is_required in reversed(pairs):
            first = f"{pair} {following}".strip()
            # If an optional one is omitted, the next one present comes first.
            choice = first if is_required else f"{first} | {rest}" if rest else f"({first})?"
            rest = self.rule(self._free(f"{place}-members"), choice)
            comma = f'"," ws {pair}'
            after = f"{comma if is_required else f'({comma})?'} {following}".strip()
            following = self.rule(self._free(f"{place}-more"), after)
        return rest

    def _array(self, schema: Mapping[str, Any], place: str) -> str:
        self._base("ws")
        first = [
            self.named(each, f"{place}/prefixItems/{i}")
            for i, each in enumerate(_part(schema, "prefixItems", list, place))
        ]
        low, high = self._counts(schema, "minItems", "maxItems", place)
        items = schema.get("items", True)
        if not first:
            return f'"[" ws {self._list(items, low, high, place)} "]"'
        if low < len(first) or (high is not None and high < len(first)):
            # Trailing items may be missing, down to the minimum.
            raise _refused(f"{place}/minItems", f"with prefixItems it must be {len(first)} or more")
        tail = ""
        if items is not False:
            name = self.named(items, f"{place}/items")
            tail = f'("," ws {name} ws){_times(low - len(first), None if high is None else high - len(first))}'
        return f'"[" ws {" ".join(_joined(first))} {tail} "]"'

    def _list(self, items: Any, low: int, high: int | None, place: str) -> str:
        if high == 0 or items is False:
            return ""
        name = self.named(items, f"{place}/items")
        rest = f'{name} ws ("," ws {name} ws){_times(max(0, low - 1), None if high is None else high - 1)}'
        return rest if low else f"({rest})?"

    def _string(self, schema: Mapping[str, Any], place: str) -> str:
        low, high = self._counts(schema, "minLength", "maxLength", place)
        self._base("string")
        return rf'"\"" char{_times(low, high)} "\""'

    def _counts(
        self, schema: Mapping[str, Any], least: str, most: str, place: str
    ) -> tuple[int, int | None]:
        low, high = schema.get(least, 0), schema.get(most)
        for name, count in ((least, low), (most, high)):
            is_count = isinstance(count, int) and not isinstance(count, bool)
            if count is not None and not (is_count and 0 <= count <= MAX_RULES):
                raise _refused(f"{place}/{name}", f"it must be an integer from 0 to {MAX_RULES}")
        if high is not None and high < low:
            raise _refused(f"{place}/{most}", f"it is less than {least}")
        return low, high

    def _base(self, name: str) -> str:
        """One of JSON's base rules, with those that it needs."""
        if name not in self.rules:
            self.rules[name] = _BASE[name]
            for each in _NEEDS.get(name, ()):
                self._base(each)
        return name

    def _free(self, place: str) -> str:
        """An unused rule name made from the schema's place."""
        wanted = re.sub(r"[^a-z0-9]+", "-", place.lower()).strip("-")[-60:].strip("-") or "r"
        number, name = 1, f"s-{wanted}"
        while name in self.rules:
            number += 1
            name = f"s-{wanted}-{number}"
        self.rules[name] = ""
        return name

    def _require_alone(self, schema: Mapping[str, Any], keyword: str, place: str) -> None:
        # Beside a constant, a type adds nothing; contradictions are not checked.
        others = set(schema) - {keyword} - ({"type"} if keyword in ("enum", "const") else set())
        if others:
            raise _refused(f"{place}/{min(others)}", f"it cannot stand beside {keyword}")

    def _require_known(self, schema: Mapping[str, Any], place: str) -> None:
        known = frozenset().union(*_OF_TYPE.values())
        for keyword in schema:
            if keyword not in known:
                raise _refused(f"{place}/{keyword}", "it cannot be put into a grammar")


_ALONE: Mapping[str, Callable[[_Writer, Any, str], str]] = {
    "$ref": _Writer.reference,
    "const": _Writer.const,
    "enum": _Writer.enum,
    "anyOf": _Writer.any_of,
    "oneOf": _Writer.one_of,
    "allOf": _Writer.all_of,
}


def _implied(schema: Mapping[str, Any]) -> list[str]:
    """The types of a schema without ``type``, implied by its keywords."""
    said = [kind for kind, keywords in _OF_TYPE.items() if not keywords.isdisjoint(schema)]
    return said or list(_TYPES[:4]) + list(_TYPES[5:])


def _part(schema: Mapping[str, Any], keyword: str, kind: type[T], place: str) -> T:
    """The value of a keyword; empty if it is missing."""
    value = schema.get(keyword, kind())
    if not isinstance(value, kind):
        raise _refused(
            f"{place}/{keyword}", f"it must be {'a list' if kind is list else 'an object'}"
        )
    return value


def _times(low: int, high: int | None) -> str:
    return f"{{{low},{'' if high is None else high}}}"


def _joined(names: list[str]) -> list[str]:
    return [f"{name} ws" if i == 0 else f'"," ws {name} ws' for i, name in enumerate(names)]


def _text(text: str) -> str:
    """A text as a GBNF literal."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _refused(place: str, reason: str) -> ConstraintRefused:
    return ConstraintRefused(f"{place}: {reason}.", field="schema")
