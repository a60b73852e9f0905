"""Keywords that are said in others: the same values fit, or the schema is refused."""

from __future__ import annotations

import json
import re
from itertools import permutations
from typing import Any

import hypothesis.strategies as st
import jsonschema
import pytest
from hypothesis import HealthCheck, assume, given, settings

from coblyn.constraints.constraint import Constraint
from coblyn.constraints.exclusive import is_disjoint
from coblyn.constraints.grammar import grammar_of
from coblyn.constraints.kinds import Scope
from coblyn.constraints.node import Node
from coblyn.constraints.rewriting import rewritten
from coblyn.constraints.spelling import other_than
from coblyn.errors import ConstraintRefused
from constraints.vocabularies import accepts

DRAFT_7 = "http://json-schema.org/draft-07/schema#"
KIND = {"properties": {"kind": {"const": "a"}}, "required": ["kind"]}
CLOSED = {"type": "object", "additionalProperties": False}


def text_fits(schema: object, text: str) -> bool:
    return accepts(Constraint("json_schema", json.dumps(schema)), text)


@pytest.mark.parametrize(
    ("schema", "right", "wrong"),
    [
        ({"type": "string", "not": {"const": "ab"}}, ['"a"', '"abc"', '""'], ['"ab"', "1"]),
        ({"not": {"type": ["string", "null"]}}, ["1.5", "{}", "true"], ['"a"', "null"]),
        ({"not": {"required": ["a"]}}, ['{"b":1}', "{}"], ['{"a":1}', "3"]),
        ({"type": "integer", "not": {"enum": [2, 4]}}, ["1", "3", "5"], ["2", "4"]),
        ({"enum": ["a", "b", 1], "not": {"enum": ["b"]}}, ['"a"', "1"], ['"b"']),
        ({"enum": [True, 1, "a"], "not": {"const": 1}}, ["true", '"a"'], ["1"]),
        (
            {"type": "object", "propertyNames": {"minLength": 2.0, "maxLength": 3}},
            ['{"ab":1}', '{"abc":1}'],
            ['{"a":1}', '{"abcd":1}'],
        ),
        ({"type": "object", "propertyNames": {"maxLength": 0}}, ['{"":1}'], ['{"a":1}']),
        (
            {"oneOf": [{"required": ["a"]}, {"required": ["b"]}], "type": "object"},
            ['{"a":1}', '{"b":1}', '{"a":1,"c":2}'],
            ['{"a":1,"b":2}', "{}"],
        ),
        (
            {"oneOf": [{"properties": {"x": {"type": "integer"}}}, {"type": "string"}]},
            ["1", '{"x":1}', '{"y":"a"}'],
            ['"a"', '{"x":"a"}'],
        ),
        ({"oneOf": [{"minimum": 3}, {"maximum": 5}], "type": "integer"}, ["2", "6"], ["4"]),
        (
            {**CLOSED, "properties": {"kind": {"enum": ["a", "b"]}, "size": {}}, "if": KIND}
            | {"then": {"required": ["size"]}, "else": {"properties": {"size": False}}},
            ['{"kind":"a","size":1}', '{"kind":"b"}', "{}"],
            ['{"kind":"a"}', '{"kind":"b","size":1}', '{"size":1}'],
        ),
        (
            {**CLOSED, "properties": {"a": {}, "b": {}}, "dependentRequired": {"a": ["b"]}},
            ['{"a":1,"b":2}', '{"b":2}', "{}"],
            ['{"a":1}'],
        ),
        (
            {"properties": {"a": {}, "b": {}}, "dependencies": {"a": {"required": ["b"]}}},
            ['{"a":1,"b":1}', '{"b":1}', "1"],
            ['{"a":1}'],
        ),
        ({"items": {"enum": [1, 2]}, "uniqueItems": True, "type": "array"}, ["[2,1]"], ["[1,1]"]),
        ({"uniqueItems": False}, ["[1,1]"], []),
        (
            {**CLOSED, "properties": {"a": {}, "b": {}}, "minProperties": 1, "maxProperties": 1},
            ['{"a":1}', '{"b":1}'],
            ["{}", '{"a":1,"b":1}'],
        ),
        ({"properties": {"a": {}}, "minProperties": 1, "type": "object"}, ['{"c":1}'], ["{}"]),
        ({"propertyNames": {"pattern": "^x-"}}, ['{"x-a":1}', "{}"], ['{"a":1}']),
        ({"propertyNames": {"enum": ["a", "b"]}}, ['{"b":1}'], ['{"c":1}', '{"\\u0063":1}']),
        ({"propertyNames": {"maxLength": 2}}, ['{"ab":1}'], ['{"abc":1}']),
        ({"type": "string", "minLength": 2.0}, ['"ab"'], ['"a"']),
        ({"properties": {"a": {}}, "unevaluatedProperties": False}, ['{"a":1}'], ['{"b":1}']),
        (
            {"$schema": DRAFT_7, "items": {"$ref": "#/definitions/x", "minimum": 3}}
            | {"definitions": {"x": {"type": "integer"}}},
            ["[1]"],
            ['["a"]'],
        ),
        ({"type": "string", "pattern": r"^\S\s$"}, ['"a\ufeff"'], ['"\ufeff\ufeff"']),
        (
            {"type": "string", "pattern": r"^[^\\]+$"},
            ['"a"', '"\\n"', '"\\""', '"é"'],
            ['"\\\\"', '"a\\\\b"', '""'],
        ),
        ({"type": "string", "pattern": r'^[^"]*$'}, ['"a"', '"\\\\"'], ['"\\""']),
        ({"type": "string", "pattern": r"^[\s\cA]$"}, ['"\ufeff"', '"\\u0001"'], ['"a"', '"c"']),
    ],
)
def test_the_same_values_fit(schema: object, right: list[str], wrong: list[str]) -> None:
    assert [text for text in right if not text_fits(schema, text)] == []
    assert [text for text in wrong if text_fits(schema, text)] == []


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("date", ["2024-02-29", "2000-02-29"], ["2023-02-29", "1900-02-29", "2024-04-31"]),
        (
            "time",
            ["12:00:00Z", "23:59:60Z", "18:59:60.5-05:00", "00:59:60+01:00"],
            ["22:59:60Z", "24:00:00Z", "18:59:60+05:00", "00:59:60-01:00"],
        ),
        ("date-time", ["2024-02-29T00:00:00.5+01:00"], ["2023-02-29T00:00:00Z"]),
        ("hostname", ["a-b.example", "xn.example"], ["a_b", "-a", "xn--X", "a." * 127]),
        ("email", ["a.b@example.com", '\\"a b\\"@example.com', "a@[127.0.0.1]"], ["a@", "a b@c"]),
        ("ipv6", ["1::d6:192.168.0.1", "::", "1:2:3:4:5:6:7:8"], ["1::2::3", "1:2:3:4:5:6:7"]),
        ("uri-reference", ["/a?b#c", "../a", "http://a/b"], ["\\\\\\\\a", "a b", "a:b:%"]),
        ("iri", ["http://ä/ö"], ["/ö"]),
        ("json-pointer", ["", "/a~1b/0"], ["a", "/~2"]),
        ("relative-json-pointer", ["0#", "1/a"], ["/a", "01/a"]),
        ("uri-template", ["/a{?b,c*}"], ["/{", "{a b}"]),
    ],
)
def test_formats(name: str, right: list[str], wrong: list[str]) -> None:
    schema = {"type": "string", "format": name}
    assert [text for text in right if not text_fits(schema, f'"{text}"')] == []
    assert [text for text in wrong if text_fits(schema, f'"{text}"')] == []


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {"type": "integer"}}},
        {"properties": {"a": {"type": "integer"}}, "additionalProperties": {"type": "string"}},
        {"patternProperties": {"^a": {"type": "integer"}}},
        {"allOf": [{"properties": {"a": {"type": "integer"}}}, {"patternProperties": {"b": {}}}]},
    ],
)
def test_a_name_with_escapes_is_not_another_name(schema: object) -> None:
    assert text_fits(schema, '{"a":1}')
    assert text_fits(schema, '{"c":"x"}')
    assert not text_fits(schema, '{"\\u0061":"x"}')


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"minProperties": 2}, "at #, minProperties: 2: names"),
        ({"items": {"not": {"multipleOf": 2}}}, 'at #/items, "not" is not enforced'),
        ({"oneOf": [{"pattern": "a"}, {"pattern": "b"}]}, "oneOf"),
        ({"if": {"pattern": "a"}, "then": {"maxLength": 1}}, '"if", "then" is not enforced'),
        ({"items": {}, "uniqueItems": True}, '"uniqueItems" is not enforced'),
        ({"type": "string", "format": "idn-hostname"}, "Unknown format: idn-hostname"),
        ({"items": {"properties": True}}, "at #/items, properties must be an object"),
        ({"not": {"type": {"a": 1}}}, "at #/not, type must be a string or array of strings"),
        ({"propertyNames": {"minLength": 2**64}}, "#/propertyNames, Expected positive integer"),
    ],
)
def test_what_cannot_be_said_is_refused(schema: object, reason: str) -> None:
    with pytest.raises(ConstraintRefused) as caught:
        grammar_of(Constraint("json_schema", json.dumps(schema)))
    assert reason in caught.value.message


@pytest.mark.parametrize(
    "parts", [[{}], [{"if": {"required": ["more"]}, "then": {"minProperties": 1}}]]
)
@pytest.mark.parametrize("more", [{}, {"additionalProperties": True}])
def test_conditions_of_an_object_refuse_no_other_names(more: Node, parts: list[Node]) -> None:
    kind = {"type": "object", "properties": {"kind": {"enum": ["a", "b"]}}, "required": ["kind"]}
    schema = {**more, **kind, "allOf": parts}
    assert text_fits(schema, '{"kind":"a","more":1}')
    assert not text_fits(schema, '{"kind":"c","more":1}')


def test_patterns_of_names_count_wherever_they_stand() -> None:
    parts = {
        "properties": {"kind": {"type": "string"}},
        "allOf": [{"required": ["kind"]}],
        "patternProperties": {"^x": {"type": "integer"}},
        "additionalProperties": False,
    }
    for names in permutations(parts):
        schema = {"type": "object", **{name: parts[name] for name in names}}
        assert text_fits(schema, '{"kind":"a","x1":1}')
        assert not text_fits(schema, '{"kind":"a","y":1}')


CONTENTS = {"$schema": DRAFT_7, "type": "string", "contentEncoding": "base64"}
JSON_WITHIN = "application/json"


def test_contents_are_checked_in_draft_7_only() -> None:
    for text, is_right in (('""', True), ('"eyJm"', True), ('"ey=="', True), ('"e%Jm"', False)):
        assert text_fits(CONTENTS, text) == is_right
    assert text_fits({**CONTENTS, "contentMediaType": "text/html"}, '"eyJm"')
    assert text_fits({"type": "string", "contentEncoding": "base64"}, '"e%Jm"')
    assert text_fits({"type": "string", "contentMediaType": JSON_WITHIN}, '"{:}"')


BASE64 = {"type": "string", "contentEncoding": "base64"}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "not": {"contentEncoding": "base64"}},
        {"oneOf": [BASE64, {"type": "string", "maxLength": 3}]},
        {"type": "string", "if": BASE64, "then": {"maxLength": 4}},
    ],
    ids=["not", "oneOf", "if"],
)
def test_contents_are_not_left_out_of_what_is_negated(schema: dict[str, Any]) -> None:
    with pytest.raises(ConstraintRefused, match="is not enforced"):
        grammar_of(Constraint("json_schema", json.dumps({"$schema": DRAFT_7, **schema})))


@pytest.mark.parametrize(
    ("keyword", "value"), [("contentMediaType", JSON_WITHIN), ("contentEncoding", "base32")]
)
def test_contents_that_cannot_be_checked_are_refused(keyword: str, value: str) -> None:
    part = {"type": "string", keyword: value}
    schema = {"$schema": DRAFT_7, "type": "object", "properties": {"a": part}, "required": ["a"]}
    with pytest.raises(ConstraintRefused, match=f"at #/properties/a, {keyword} .* draft 7"):
        grammar_of(Constraint("json_schema", json.dumps(schema)))


NAMED_VALUES = {
    "propertyDependencies": {
        "kind": {"lamp": {"required": ["oil"]}, "none": False},
        "oil": {"whale": {"properties": {"age": {"type": "integer"}}}},
    }
}


def test_what_follows_from_the_text_of_a_property() -> None:
    right = ["1", "{}", '{"kind":"mine"}', '{"kind":1}', '{"kind":"lamp","oil":"rape"}', "[]"]
    right += ['{"oil":"whale","age":3}', '{"oil":"rape","age":"a"}']
    wrong = ['{"kind":"lamp"}', '{"kind":"none"}', '{"oil":"whale","age":"a"}']
    assert [text for text in (*right, *wrong) if text_fits(NAMED_VALUES, text)] == right


def test_property_dependencies_within_others_are_refused() -> None:
    for schema in ({"not": NAMED_VALUES}, {"propertyDependencies": {"a": True}}):
        with pytest.raises(ConstraintRefused, match="at #"):
            grammar_of(Constraint("json_schema", json.dumps(schema)))


def test_a_count_below_zero_is_no_error() -> None:
    schema = {"type": "array", "uniqueItems": True, "items": {"enum": [1]}, "minItems": -5}
    assert rewritten(schema) == {"enum": [[], [1]]}


def test_names_are_matched_as_the_pattern_says() -> None:
    schema = {"propertyNames": {"pattern": '^[^"]+$'}, "properties": {"ab": {"const": 1}}}
    assert rewritten({**schema, "required": ["ab"]})["properties"] == {"ab": {"const": 1}}


def doubled(first: str, inner: object) -> dict[str, Any]:
    """Definitions in eight levels, of which each refers 50 times to the next."""
    levels = [{first: [{"$ref": f"#/$defs/{n + 1}"}] * 50} for n in range(8)]
    return {**{str(n): each for n, each in enumerate(levels)}, "8": inner}


@pytest.mark.parametrize(
    "schema",
    [
        {"$defs": doubled("anyOf", {"const": 1}), "not": {"$ref": "#/$defs/1"}},
        {"$defs": doubled("allOf", {}), "$ref": "#/$defs/0", "not": {"const": 1}},
        {"$defs": doubled("allOf", {}), "oneOf": [{"$ref": "#/$defs/0"}] * 2},
    ],
)
def test_what_takes_too_much_is_refused(
    schema: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coblyn.constraints.kinds._MAX_STEPS", 5000)
    with pytest.raises(ConstraintRefused, match="it is too large"):
        grammar_of(Constraint("json_schema", json.dumps(schema)))


def test_a_pattern_without_an_end_is_left_to_be_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coblyn.constraints.properties._MAX_SECONDS", 0.05)
    schema = {"propertyNames": {"pattern": "^(a|aa)+$"}, "properties": {"a" * 5000 + "b": {}}}
    assert "propertyNames" in rewritten(schema)


def test_all_texts_but_a_long_one_cannot_be_said() -> None:
    assert other_than({"a" * 1_000_000}) is None


def test_many_values_are_apart() -> None:
    ways = [{"enum": list(range(20_000))}, {"enum": list(range(20_000, 40_000))}]
    assert is_disjoint(*ways, Scope(True))
    assert not is_disjoint({"enum": [1]}, {"enum": [1.0, True]}, Scope(True))
    assert is_disjoint({"enum": [1, "1"]}, {"enum": [True, None]}, Scope(True))
    assert not is_disjoint({"const": [1]}, {"const": [2]}, Scope(True))


@settings(max_examples=50)
@given(st.sets(st.text("ab.é", max_size=4), min_size=1, max_size=4), st.text("ab.é", max_size=5))
def test_other_texts_than_some(texts: set[str], text: str) -> None:
    pattern = other_than(texts)
    assert pattern is not None
    assert bool(re.fullmatch(pattern, text)) == (text not in texts)


SCALARS = st.sampled_from(["a", "ab", "b", 0, 1, 2, True, None])
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from("abc"), inner, max_size=3).map(
            lambda found: dict(sorted(found.items()))
        )
    ),
    max_leaves=4,
)
TYPES = st.sampled_from(["string", "integer", "object", "array", "null", "boolean"])
PLAIN = st.one_of(
    st.fixed_dictionaries({"type": TYPES | st.lists(TYPES, min_size=1, unique=True)}),
    st.fixed_dictionaries({"enum": st.lists(SCALARS, min_size=1, max_size=3)}),
    st.fixed_dictionaries({"const": SCALARS}),
    st.fixed_dictionaries({"type": st.just("integer"), "minimum": st.integers(0, 2)}),
    st.fixed_dictionaries({"type": st.just("string"), "maxLength": st.integers(0, 2)}),
    st.fixed_dictionaries({"required": st.lists(st.sampled_from("abc"), max_size=2, unique=True)}),
)


def combined(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    two = st.lists(inner, min_size=1, max_size=2)
    objects = st.fixed_dictionaries(
        {"type": st.just("object"), "properties": st.dictionaries(st.sampled_from("abc"), inner)},
        optional={
            "required": st.lists(st.sampled_from("abc"), max_size=2, unique=True),
            "additionalProperties": st.booleans(),
            "maxProperties": st.integers(1, 3),
        },
    )
    conditions = st.fixed_dictionaries({"if": inner, "then": inner}, optional={"else": inner})
    names = st.sampled_from("abc")
    needs = st.dictionaries(names, st.lists(names, max_size=2, unique=True), max_size=2)
    return st.one_of(
        objects,
        conditions,
        st.fixed_dictionaries({"not": inner}),
        st.fixed_dictionaries({"oneOf": two}),
        st.fixed_dictionaries({"anyOf": two}),
        st.fixed_dictionaries({"allOf": two}),
        st.fixed_dictionaries({"dependentRequired": needs}),
        st.fixed_dictionaries({"items": inner, "type": st.just("array")}),
    )


@settings(max_examples=50, suppress_health_check=[HealthCheck.filter_too_much], deadline=None)
@given(st.recursive(PLAIN, combined, max_leaves=4), st.lists(VALUES, min_size=3, max_size=6))
def test_masks_say_what_the_schema_says(schema: dict[str, Any], values: list[Any]) -> None:
    constraint = Constraint("json_schema", json.dumps(schema))
    try:
        grammar_of(constraint)
    except ConstraintRefused:
        assume(False)
    validator = jsonschema.Draft202012Validator(schema)
    for value in values:
        text = json.dumps(value, separators=(",", ":"))
        is_accepted = accepts(constraint, text)
        if is_accepted or not isinstance(
            value, dict | list
        ):  # keys may have to come in another order
            assert is_accepted == validator.is_valid(value), text


def test_a_class_that_is_found_often_enough_somewhere() -> None:
    schema = {"patternProperties": {"[a-z]{2,255}": {"type": "integer"}}}
    assert text_fits(schema, '{"-child1":1}')
    assert not text_fits(schema, '{"-child1":"x"}')
    assert text_fits(schema, '{"-c1":"x"}')


def test_at_least_one_of_some_is_found_without_ambiguity() -> None:
    names = [f"a{index}" for index in range(12)]
    schema = {"properties": {key: {"type": "integer"} for key in names}, "minProperties": 1}
    closed = {**schema, "additionalProperties": False}
    assert text_fits(closed, '{"a3":1,"a11":2}')
    assert text_fits(closed, '{"a11":2}')
    assert not text_fits(closed, "{}")
    assert text_fits(schema, '{"b":2}')
    assert not text_fits(schema, "{}")
