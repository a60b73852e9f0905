"""JSON schemas as GBNF: what fits the grammar fits the schema."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coblyn.constraints.constraint import Constraint
from coblyn.constraints.schema_gbnf import gbnf_of_schema
from coblyn.errors import ConstraintRefused
from constraints.vocabularies import accepts

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}, "note": {}},
    "required": ["age"],
}
TREE = {
    "$defs": {
        "node": {
            "type": "object",
            "properties": {"kids": {"type": "array", "items": {"$ref": "#/$defs/node"}}},
        }
    },
    "$ref": "#/$defs/node",
}


def says(schema: Any, text: str) -> bool:
    return accepts(Constraint("gbnf", gbnf_of_schema(schema)), text)


@pytest.mark.parametrize(
    ("schema", "right", "wrong"),
    [
        ({"type": "integer"}, ["0", "-12"], ["01", "1.5", '"1"', ""]),
        ({"type": "number"}, ["0", "-1.5e3"], ["1.", "x"]),
        ({"type": ["boolean", "null"]}, ["true", "null"], ["1", "truefalse"]),
        ({"type": "string"}, ['""', '"a\\n\\u00e9"'], ['"', '"\n"', "a"]),
        ({"type": "string", "minLength": 2, "maxLength": 3}, ['"ab"', '"abc"'], ['"a"', '"abcd"']),
        ({"enum": ["a", 1, None, {"b": '"'}]}, ['"a"', "1", "null", '{"b": "\\""}'], ['"b"', "2"]),
        ({"const": "\\"}, ['"\\\\"'], ['"\\"']),
        ({}, ["1", '{"a": [null, {}]}', '"x"'], ["{", "[1,]"]),
        (True, ["[]"], ["]"]),
        (
            PERSON,
            [
                '{"age": 5}',
                '{"name":"x","age":5}',
                '{"name":"x","age":5,"note":[1]}',
                '{"age":5,"note":1}',
            ],
            [
                '{"name":"x"}',
                "{}",
                '{"age":5,}',
                '{"age":"5"}',
                '{"age":5,"other":1}',
                '{,"age":5}',
            ],
        ),
        (
            {"type": "object", "properties": {"a": {"type": "null"}, "b": {"type": "null"}}},
            ["{}", '{"a":null}', '{"b":null}', '{"a":null,"b":null}'],
            ['{"a":null,}', '{,"b":null}', '{"c":null}'],
        ),
        (
            {"type": "object", "additionalProperties": {"type": "integer"}},
            ["{}", '{"x": 1, "y": 2}'],
            ['{"x": "1"}'],
        ),
        ({"type": "object", "additionalProperties": False}, ["{}"], ['{"a":1}']),
        ({"type": "object", "required": ["a"]}, ['{"a": 1}'], ["{}"]),
        (
            {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 2},
            ["[1]", "[1, 2]"],
            ["[]", "[1,2,3]", '["1"]'],
        ),
        ({"type": "array", "maxItems": 0}, ["[]"], ["[1]"]),
        (
            {
                "type": "array",
                "prefixItems": [{"type": "integer"}, {"type": "null"}],
                "items": False,
                "minItems": 2,
            },
            ["[1,null]"],
            ["[1]", "[1,null,2]", "[null,1]"],
        ),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, ["1", "null"], ["true"]),
        ({"oneOf": [{"type": "integer"}, {"type": "null"}]}, ["1", "null"], ["true"]),
        ({"allOf": [{"type": "null"}]}, ["null"], ["1"]),
        (TREE, ["{}", '{"kids": [{"kids": []}, {}]}'], ['{"kids": [1]}']),
        ({"title": "T", "format": "date", "type": "string"}, ['"x"'], ["1"]),
        ({"properties": {"ä/b": {"type": "null"}}}, ['{"\\u00e4/b": null}'], ['{"x": null}']),
    ],
)
def test_what_fits(schema: Any, right: list[str], wrong: list[str]) -> None:
    for text in right:
        json.loads(text)
        assert says(schema, text), text
    for text in wrong:
        assert not says(schema, text), text


def test_white_space_stands_within_a_value_and_not_behind_it() -> None:
    assert says(PERSON, '{\n  "age" : 5\n}')
    assert not says(PERSON, '{"age": 5}\n')
    assert not says({"type": "integer"}, "5 ")


@pytest.mark.parametrize(
    ("schema", "place"),
    [
        (False, "#"),
        ({"type": "thing"}, "#/type"),
        ({"type": "string", "pattern": "^a"}, "#/pattern"),
        ({"type": "integer", "minimum": 3}, "#/minimum"),
        ({"properties": {"a": {"not": {}}}}, "#/properties/a/not"),
        ({"anyOf": [{}, {"uniqueItems": True}]}, "#/anyOf/1/uniqueItems"),
        ({"anyOf": []}, "#/anyOf"),
        ({"oneOf": [{"type": "number"}, {"type": "integer"}]}, "#/oneOf"),
        ({"allOf": [{}, {}]}, "#/allOf"),
        ({"$ref": "other.json"}, "#/$ref"),
        ({"$ref": "#/$defs/none"}, "#/$ref"),
        ({"enum": ["a"], "minLength": 2}, "#/minLength"),
        ({"enum": []}, "#/enum"),
        ({"type": "array", "minItems": -1}, "#/minItems"),
        ({"type": "array", "minItems": 3, "maxItems": 2}, "#/maxItems"),
        ({"type": "object", "required": [1]}, "#/required"),
        ({"type": "object", "properties": {"a": 5}}, "#/properties/a"),
        ({"type": "object", "properties": 5}, "#/properties"),
        ({"type": "array", "prefixItems": {}}, "#/prefixItems"),
        ({"newKeyword": 1}, "#/newKeyword"),
    ],
)
def test_what_no_grammar_can_hold_is_refused_by_its_place(schema: Any, place: str) -> None:
    with pytest.raises(ConstraintRefused) as refusal:
        gbnf_of_schema(schema)
    assert refusal.value.message.startswith(f"{place}: ")


LEAVES = st.sampled_from(
    [{"type": kind} for kind in ("integer", "boolean", "null")]
    + [{"const": "x"}, {"enum": [1, None]}]
)


def _deeper(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    names = st.sampled_from("abc")
    objects = st.tuples(
        st.dictionaries(names, inner, max_size=3), st.lists(names, unique=True)
    ).map(
        lambda pair: {
            "type": "object",
            "properties": pair[0],
            "required": [name for name in pair[1] if name in pair[0]],
            "additionalProperties": False,
        }
    )
    arrays = inner.map(lambda items: {"type": "array", "items": items, "maxItems": 2})
    return objects | arrays


VALUES = st.recursive(
    st.sampled_from([1, None, True, "x", 7]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(st.recursive(LEAVES, _deeper, max_leaves=5), VALUES)
def test_a_grammar_takes_what_the_schema_takes(schema: Any, value: Any) -> None:
    text = json.dumps(_sorted(value))
    assert says(_sorted_properties(schema), text) == _fits(schema, value)


def _sorted(value: Any) -> Any:
    if isinstance(value, list):
        return [_sorted(each) for each in value]
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return value


def _sorted_properties(schema: Any) -> Any:
    """Properties in the order in which the values have them."""
    changed = dict(schema)
    if "properties" in schema:
        inner = {name: _sorted_properties(each) for name, each in schema["properties"].items()}
        changed["properties"] = {name: inner[name] for name in sorted(inner)}
    if "items" in schema:
        changed["items"] = _sorted_properties(schema["items"])
    return changed


def _fits(schema: Any, value: Any) -> bool:
    """What these few keywords mean (JSON Schema 2020-12)."""
    if "const" in schema:
        return bool(value == schema["const"] and type(value) is str)
    if "enum" in schema:
        return value is None or (value == 1 and value is not True)
    match schema["type"]:
        case "integer":
            return type(value) is int
        case "boolean":
            return type(value) is bool
        case "null":
            return value is None
        case "array":
            return (
                isinstance(value, list)
                and len(value) <= 2
                and all(_fits(schema["items"], each) for each in value)
            )
        case _:
            return (
                isinstance(value, dict)
                and set(schema["required"]) <= set(value) <= set(schema["properties"])
                and all(_fits(schema["properties"][name], each) for name, each in value.items())
            )
