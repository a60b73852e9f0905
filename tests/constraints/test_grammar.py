"""Schemas, expressions and choices: enforced, or refused by name."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from coblyn.constraints.constraint import ANY_JSON, Constraint, Whitespace
from coblyn.constraints.grammar import grammar_of
from coblyn.errors import ConstraintRefused
from constraints.vocabularies import accepts

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1},
        "age": {"type": "integer", "minimum": 0, "format": "int32"},
        "child": {"anyOf": [{"$ref": "#"}, {"type": "null"}]},
    },
    "required": ["name", "age"],
    "additionalProperties": False,
}


def schema(value: object) -> Constraint:
    return Constraint("json_schema", json.dumps(value))


NESTED = {"a": [1, 2], "b": {"c": {"d": [[3]]}}}
WRITTEN = [
    json.dumps(NESTED, separators=(",", ":")),
    json.dumps(NESTED),
    json.dumps(NESTED, indent=1),
    json.dumps(NESTED, indent=4),
    json.dumps(NESTED, indent="\t"),
]
RAMBLING = ['{"a":  [1]}', '{"a":\n\n[1]}', '{"a": \n[1]}', '{"a":[1]\n' + " " * 40 + "}"]


@pytest.mark.parametrize(
    ("constraint", "right", "wrong"),
    [
        (
            schema(PERSON),
            [
                '{"name": "Ann", "age": 3}',
                '{"name":"é","age":0,"child":{"name":"B","age":1,"child":null}}',
            ],
            ['{"name": "", "age": 3}', '{"name": "A"}', '{"name":"A","age":1,"other":2}', "3"],
        ),
        (schema({"type": "string", "pattern": "^\\d{4}$"}), ['"2026"'], ['"26"', '"20267"']),
        (schema({"type": "string", "pattern": "ab"}), ['"ab"', '"xxabyy"'], ['"a"']),
        (
            schema({"type": "array", "items": {"$ref": "#"}, "maxItems": 2}),
            ["[]", "[[],[[]]]"],
            ["[[],[],[]]", "[1]"],
        ),
        (
            schema({"type": "object", "x-guidance": {"whitespace_pattern": "( |\\n[ \\t]{0,40})"}}),
            ['{"a": 1}'],
            ["[]"],
        ),
        (schema(True), ["1", '{"a": [null]}'], ["{", "a"]),
        (schema({"type": "string", "format": "color"}), ['"red"'], ["1"]),
        (schema({"enum": ["a", 1, None]}), ['"a"', "1", "null"], ["2"]),
        (ANY_JSON, ['{"a": [1, {"b": "c"}]}'], ["[]", "1"]),
        (Constraint("regex", "[0-9]{3}|x+"), ["123", "xx"], ["12", "1234"]),
        (
            Constraint("choice", '["red", "deep \\"blue\\""]'),
            ["red", 'deep "blue"'],
            ["re", "blue"],
        ),
        (Constraint("lark", 'start: "a" b\nb: /[0-9]+/'), ["a1", "a22"], ["a"]),
    ],
)
def test_what_is_allowed(constraint: Constraint, right: list[str], wrong: list[str]) -> None:
    assert [text for text in right if not accepts(constraint, text)] == []
    assert [text for text in wrong if accepts(constraint, text)] == []


@pytest.mark.parametrize(
    ("constraint", "reason"),
    [
        (
            schema({"properties": {"a/b": {"items": {"not": {"pattern": "a"}}}}}),
            '#/properties/a~1b/items, "not" is not enforced',
        ),
        (schema({"allOf": [{"type": "array"}, {"uniqueItems": True}]}), "at #/allOf/1, "),
        (
            schema({"$defs": {"x": {"contains": {}}}, "items": {"$ref": "#/$defs/x"}}),
            "at #/$defs/x, ",
        ),
        (schema({"type": "string", "format": "regex"}), "Unknown format"),
        (schema({"type": "string", "pattern": "(?=a)b"}), "look-around"),
        (schema({"$ref": "http://example.com/schema"}), "at #, "),
        (schema({"type": "integer", "minimum": 3, "maximum": 2}), "minimum (3) is greater"),
        (schema({"type": "nothing"}), "Invalid type: nothing"),
        (schema([1]), "must be an object"),
        (schema(False), "at #, no value fits it"),
        (Constraint("json_schema", "{"), "is not JSON"),
        (Constraint("json_schema", '{"a":' * 100_000), "is not JSON"),
        (Constraint("regex", "a("), "The regular expression cannot be read"),
        (Constraint("regex", "a" * (2 << 20)), "is longer than"),
        (Constraint("lark", "start: nope"), "nope"),
        (Constraint("choice", "[]"), "at least one text"),
        (Constraint("choice", '["a", 1]'), "must be a list of texts"),
    ],
)
def test_what_cannot_be_enforced_is_refused_by_name(constraint: Constraint, reason: str) -> None:
    with pytest.raises(ConstraintRefused) as caught:
        grammar_of(constraint)
    assert reason in caught.value.message
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("whitespace", "right", "wrong"),
    [
        ("bounded", [*WRITTEN, '{"a": [1,\t2]}'.replace("\t", "\r\n\t")], RAMBLING),
        ("any", [*WRITTEN, *RAMBLING], []),
        ("none", WRITTEN[:1], [*WRITTEN[1:], *RAMBLING]),
    ],
)
def test_whitespace_in_json(whitespace: Whitespace, right: list[str], wrong: list[str]) -> None:
    rule = schema({"properties": {"a": {"items": {"type": "integer"}}}, "type": "object"})
    rule = replace(rule, whitespace=whitespace)
    assert [text for text in right if not accepts(rule, text)] == []
    assert [text for text in wrong if accepts(rule, text)] == []
