"""Values that are written as text become what the schema says that they are."""

from __future__ import annotations

import json

import pytest

from coblyn.chat.formats.values import Known, json_of_python, json_of_text, types_of
from coblyn.chat.messages import Tool


@pytest.mark.parametrize(
    ("text", "types", "value"),
    [
        ("42", "string", "42"),
        ("null", "string", "null"),
        ('{"a": 1}', "string", '{"a": 1}'),
        (" a\n", "string", " a\n"),
        ("42", "integer", 42),
        ("007", "integer", 7),
        ("-100", "integer", -100),
        ("123456789012345678901", "integer", 123456789012345678901),
        ("1.5e-3", "number", 0.0015),
        ("100.0", "integer", 100.0),
        ("3.14.15", "number", "3.14.15"),
        ("many", "integer", "many"),
        ("True", "boolean", True),
        ("FALSE", "boolean", False),
        ("yes", "boolean", "yes"),
        ("3.0", "number", 3.0),
        ("NULL", "integer", None),
        ("None", "null", None),
        ("[1, 'a', None]", "array", [1, "a", None]),
        ("{'a': True}", "object", {"a": True}),
        ('["a", 1.0]', "array", ["a", 1.0]),
        (r"[{\"a\": \"1\"}]", "array", [{"a": "1"}]),
        (r"[{\"a\": \"1\"}]", "array string", r"[{\"a\": \"1\"}]"),
        ("[1, 2", "array", "[1, 2"),
        ("NaN", "number", "NaN"),
        ("[-Infinity]", "array", "[-Infinity]"),
        ('{"a": 1}', "array", {"a": 1}),
        ("42.5", "string number", 42.5),
        ("hello", "string number", "hello"),
        ("null", "string null", None),
        ("None", "string null", None),
        ("none", "string null", "none"),
        ("none", "integer null", None),
        ("123", "integer null", 123),
        ("[1]", "string integer", "[1]"),
        ("1e999", "number", "1e999"),
        ("[" * 100_000, "array", "[" * 100_000),
    ],
)
def test_text(text: str, types: str, value: object) -> None:
    assert json.loads(json_of_text(text, frozenset(types.split()))) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'a'", "a"),
        ('"a\\nb"', "a\nb"),
        ("true", True),
        ("None", None),
        ("{'a': [1, (2,)]}", {"a": [1, [2]]}),
        ("'it's'", "it's"),
        ("word", "word"),
        ("1 + 1", "1 + 1"),
        ("{1}", [1]),
        ("NaN", "NaN"),
        ("1e999", "1e999"),
        ("__import__('os')", "__import__('os')"),
    ],
)
def test_python(text: str, value: object) -> None:
    assert json.loads(json_of_python(text)) == value


@pytest.mark.parametrize(
    ("schema", "types"),
    [
        ({"type": "integer"}, "integer"),
        ({"type": ["string", "null"]}, "string null"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string null"),
        ({"allOf": [{"$ref": "#/$defs/unit"}]}, "string"),
        ({"$ref": "#/$defs/unit"}, "string"),
        ({"enum": [1, "a"]}, "integer string"),
        ({"const": True}, "boolean"),
        ({"properties": {}}, "object"),
        ({"type": "number", "anyOf": [{"type": "string"}]}, "number"),
        ({}, "array boolean integer null number object string"),
        (True, "array boolean integer null number object string"),
        ({"$ref": "#/$defs/loop"}, "array boolean integer null number object string"),
        ({"$ref": "#/nowhere"}, "array boolean integer null number object string"),
    ],
)
def test_types(schema: object, types: str) -> None:
    definitions = {"unit": {"type": "string"}, "loop": {"$ref": "#/$defs/loop"}}
    tool = Tool("f", "", {"properties": {"a": schema}, "$defs": definitions})
    assert types_of(tool, "a") == frozenset(types.split())
    assert types_of(tool, "b") == {"string"}
    assert types_of(None, "a") == {"string"}


@pytest.mark.parametrize("way", ["anyOf", "oneOf", "allOf"])
def test_schemas_that_refer_to_themselves_many_times_are_read_once(way: str) -> None:
    several = {way: [{"$ref": "#/properties/a"}] * 50}
    tool = Tool("f", "", {"properties": {"a": several}})
    assert types_of(tool, "a") == types_of(Tool("f", "", {"properties": {"a": {}}}), "a")
    assert Known(several, tool.parameters).member("b").schema is None


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("float", "number"),
        ("int", "integer"),
        ("dict", "object"),
        ("str", "string"),
        ("any", "any"),
    ],
)
def test_types_that_clients_call_by_other_names(kind: str, name: str) -> None:
    tool = Tool("f", "", {"properties": {"a": {"type": kind}, "b": {"type": [kind, "null"]}}})
    assert types_of(tool, "a") == {name}
    assert types_of(tool, "b") == {name, "null"}


def test_a_value_that_is_escaped_without_end_is_text() -> None:
    text = "\\" + "u005c" * 3000
    assert json.loads(json_of_text(text, frozenset({"object"}))) == text


def test_what_is_no_json_within_a_string_stays_as_it_was_written() -> None:
    assert json.loads(json_of_text("a\\nb", frozenset({"integer"}))) == "a\\nb"
