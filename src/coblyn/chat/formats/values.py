"""Converts arguments that are not written as JSON: each value becomes JSON according to the tool's schema."""

from __future__ import annotations

import ast
import json
import math
import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from coblyn.chat.incoming import Incoming, Reading
from coblyn.chat.messages import Tool
from coblyn.chat.outgoing import Outgoing

__all__ = [
    "ANY_TYPE",
    "Arguments",
    "Known",
    "json_of_python",
    "json_of_text",
    "read_json",
    "read_value",
    "required_of",
    "types_of",
]

ANY_TYPE = frozenset({"null", "boolean", "integer", "number", "array", "object", "string"})
_ALIASES = {
    **dict.fromkeys(("float", "double", "decimal"), "number"),
    **dict.fromkeys(("int", "long"), "integer"),
    **dict.fromkeys(("dict", "map"), "object"),
    **dict.fromkeys(("list", "tuple"), "array"),
    "bool": "boolean",
    "str": "string",
    "text": "string",
    "none": "null",
}
"""Names of types that no draft of JSON Schema has, and clients send."""

_MAX_DEPTH = 16
_WORDS = {"true": True, "false": False, "null": None, "none": None}
_NUMBER = re.compile(r"[+-]?[0-9]{1,300}")


class Arguments:
    """Writes the arguments of the current call, one after the other.

    Args:
        out: Receives them.
    """

    def __init__(self, out: Outgoing) -> None:
        self._out = out
        self._has_some = False
        self._keys: set[str] = set()

    def begin(self, key: str) -> None:
        """Begin an argument; its value follows."""
        comma = ", " if self._has_some else "{"
        self._has_some = True
        self._keys.add(key)
        self._out.arguments(f"{comma}{_dumps(key)}: ")

    @property
    def has_some(self) -> bool:
        """Whether there is an argument already."""
        return self._has_some

    def put(self, key: str, value: Any) -> None:
        """Add an argument whose value is known."""
        self.begin(key)
        self.value(_dumps(value))

    def value(self, text: str) -> None:
        """Add JSON text of a value."""
        self._out.arguments(text)

    def quote(self) -> None:
        """Begin or end a string."""
        self._out.arguments('"')

    def text(self, text: str) -> None:
        """Add text of a string."""
        if text:
            self._out.arguments(_dumps(text)[1:-1])

    def end(self) -> None:
        """End the arguments and the call."""
        if self._has_some:
            self._out.arguments("}")
        self._out.end_call()

    def are_enough(self, tool: Tool | None) -> bool:
        """Whether a call that was not closed may be complete: all required arguments are there."""
        return tool is not None and self._keys >= set(required_of(tool))


def required_of(tool: Tool) -> list[str]:
    """Names of the arguments that a tool requires."""
    found = tool.parameters.get("required")
    return [key for key in found if isinstance(key, str)] if isinstance(found, list) else []


def names_of(tool: Tool | None) -> AbstractSet[str]:
    """Names of a tool's arguments, as its schema declares them."""
    properties = (tool.parameters if tool else {}).get("properties")
    return properties.keys() if isinstance(properties, Mapping) else frozenset()


def types_of(tool: Tool | None, key: str) -> frozenset[str]:
    """The types that an argument may have; only ``string`` if the schema does not know it."""
    properties = (tool.parameters if tool else {}).get("properties")
    if not isinstance(properties, Mapping) or key not in properties:
        return frozenset({"string"})
    assert tool, "it has properties"
    return _types(properties[key], tool.parameters)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a value before it is read.

    Attributes:
        schema: Its schema; None if there is none.
        root: The schema that its references point into.
    """

    schema: Any
    root: Mapping[str, Any]

    @property
    def types(self) -> frozenset[str]:
        """The types that it may have."""
        return ANY_TYPE if self.schema is None else _types(self.schema, self.root)

    def member(self, key: str) -> Known:
        """The same of a property."""
        for schema in _ways(self.schema, self.root):
            properties = schema.get("properties")
            if isinstance(properties, Mapping) and key in properties:
                return Known(properties[key], self.root)
        others = (schema.get("additionalProperties") for schema in _ways(self.schema, self.root))
        return Known(next((each for each in others if isinstance(each, Mapping)), None), self.root)

    def item(self) -> Known:
        """The same of an item, of those that are alike."""
        items = (schema.get("items") for schema in _ways(self.schema, self.root))
        return Known(next((each for each in items if isinstance(each, Mapping)), None), self.root)


def _ways(
    schema: Any, root: Mapping[str, Any], depth: int = 0, seen: set[str] | None = None
) -> Iterator[Mapping[str, Any]]:
    """A schema, and those that it refers to or combines; what a reference points to once."""
    if not isinstance(schema, Mapping) or depth > _MAX_DEPTH:
        return
    seen = set() if seen is None else seen
    yield schema
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference not in seen:
        seen.add(reference)
        yield from _ways(_resolved(reference, root), root, depth + 1, seen)
    for key in ("anyOf", "oneOf", "allOf"):
        several = schema.get(key)
        for each in several if isinstance(several, list) else ():
            yield from _ways(each, root, depth + 1, seen)


def _types(
    schema: Any,
    root: Mapping[str, Any],
    depth: int = 0,
    read: dict[str, frozenset[str]] | None = None,
) -> frozenset[str]:
    """The types of a schema. What a reference points to is read once, and is open within itself."""
    read = {} if read is None else read
    if not isinstance(schema, Mapping) or depth > _MAX_DEPTH:
        return ANY_TYPE
    if isinstance(ref := schema.get("$ref"), str):
        if ref not in read:
            read[ref] = ANY_TYPE
            read[ref] = _types(_resolved(ref, root), root, depth + 1, read)
        return read[ref]
    for key in ("anyOf", "oneOf", "allOf"):
        if isinstance(several := schema.get(key), list) and several and "type" not in schema:
            found = [_types(each, root, depth + 1, read) for each in several]
            one = frozenset.intersection(*found) if key == "allOf" else frozenset.union(*found)
            return one or ANY_TYPE
    kind = schema.get("type")
    if isinstance(kind, str):
        return frozenset({_ALIASES.get(kind, kind)})
    if isinstance(kind, list):
        kinds = (_ALIASES.get(each, each) for each in kind if isinstance(each, str))
        return frozenset(kinds) or ANY_TYPE
    values = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    if isinstance(values, list) and values:
        return frozenset(_type_of(value) for value in values)
    return frozenset({"object"}) if "properties" in schema else ANY_TYPE


def _resolved(ref: str, root: Mapping[str, Any]) -> Any:
    """The target of a reference within the schema (RFC 6901); None if there is none."""
    found: Any = root
    for part in ref.removeprefix("#").split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _type_of(value: Any) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}
    return "null" if value is None else names.get(type(value), "object")


def json_of_text(text: str, types: frozenset[str]) -> str:
    """Convert a value to JSON that is written as raw text if it is a string, otherwise as JSON or Python.

    Args:
        text: The value as written.
        types: Its possible types. It is a string only if no other type fits.
    """
    if types == {"string"}:
        return _dumps(text)
    stripped = text.strip()
    found = _meant(stripped)
    if found is None and "string" in types and stripped not in ("null", "None"):
        return _dumps(text)  # a word like any other
    if found is not _NOTHING and _fits(found, types):
        is_json = isinstance(found, dict | list | float | int) and _is_json(stripped)
        return stripped if is_json else _dumps(found)
    if "string" in types:
        return _dumps(text)
    if found is _NOTHING:
        inner = _meant(_unescaped(stripped))
        if inner is not _NOTHING and _fits(inner, types):
            return _dumps(inner)
    is_meant = found is None or isinstance(found, dict | list)
    return _dumps(found if is_meant else stripped)


def _unescaped(text: str) -> str:
    """The text that a JSON string has with this inside, as models write JSON within JSON; the same if it is none."""
    try:
        return str(json.loads(f'"{text}"'))
    except ValueError:
        return text


def _meant(text: str) -> Any:
    """Parse a value that is not a string: JSON, Python, or another spelling of a word or number."""
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    try:
        return read_json(text)
    except (ValueError, RecursionError):
        found = _python(text)
    return int(text) if found is _NOTHING and _NUMBER.fullmatch(text) else found


def _is_json(text: str) -> bool:
    try:
        read_json(text)
    except (ValueError, RecursionError):
        return False
    return True


def read_json(text: str) -> Any:
    """Parse JSON, without the NaN and the Infinity that Python adds to it.

    Raises:
        ValueError: It is none.
        RecursionError: It is too deep.
    """
    return json.loads(text, parse_constant=_refuse)


def _refuse(word: str) -> None:
    raise ValueError(word)


def json_of_python(text: str) -> str:
    """Convert a Python literal to JSON; anything else becomes a string."""
    stripped = text.strip()
    found = _python(stripped)
    if found is _NOTHING and _NUMBER.fullmatch(stripped):
        found = int(stripped)
    if found is _NOTHING:
        try:
            found = read_json(stripped)
            json.dumps(found, allow_nan=False)
        except (ValueError, RecursionError):
            is_quoted = len(stripped) > 1 and stripped[0] == stripped[-1] and stripped[0] in "'\""
            found = stripped[1:-1] if is_quoted else stripped
    return _dumps(found)


def object_of(text: str) -> Mapping[str, Any]:
    """The object that a text is as JSON or Python; empty if it is another value or none."""
    found = _meant(text.strip())
    return found if isinstance(found, dict) else {}


_NOTHING = object()


class _WithoutSets(ast.NodeTransformer):
    """Makes lists of sets, which JSON does not have."""

    def visit_Set(self, node: ast.Set) -> ast.List:
        self.generic_visit(node)
        return ast.copy_location(ast.List(node.elts, ast.Load()), node)


def _python(text: str) -> Any:
    try:
        found = ast.literal_eval(_WithoutSets().visit(ast.parse(text.strip(), mode="eval")))
        json.dumps(found, allow_nan=False)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return _NOTHING
    return found


def _fits(value: Any, types: frozenset[str]) -> bool:
    kind = _type_of(value)
    is_whole = isinstance(value, float) and value.is_integer()
    return (
        kind in types
        or (kind == "integer" and "number" in types)
        or (is_whole and "integer" in types)
    ) and value not in (math.inf, -math.inf)


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def read_value(
    incoming: Incoming,
    arguments: Arguments,
    types: frozenset[str],
    closings: tuple[str, ...],
    *,
    trims_line: bool = True,
) -> Reading[str]:
    """Read the value of the current argument up to one of several marks, and the mark.

    Args:
        incoming: The source text.
        arguments: Receives the value.
        types: Its possible types. Strings are emitted as they arrive.
        closings: Marks that may end it.
        trims_line: Whether a line break at each end belongs to the marks; one at the end alone is the value's.

    Returns:
        The mark; empty if the text ends first, which leaves the value open.
    """
    if types != {"string"}:
        text, mark = yield from incoming.text_until(*closings)
        if mark:
            text = text.removeprefix("\n").removesuffix("\n") if trims_line else text
            arguments.value(json_of_text(text, types))
        return mark
    marks = closings
    if trims_line and (yield from incoming.accept("\n")):
        marks = (*closings, *("\n" + each for each in closings))
    arguments.quote()
    mark = yield from incoming.until(marks, arguments.text)
    if mark:
        arguments.quote()
    return mark.removeprefix("\n")
