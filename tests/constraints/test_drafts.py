"""What a schema means in the draft that it names."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from coblyn.constraints.constraint import Constraint
from coblyn.constraints.grammar import grammar_of
from coblyn.errors import ConstraintRefused
from constraints.vocabularies import accepts

DRAFT_4 = "http://json-schema.org/draft-04/schema#"
DRAFT_7 = "http://json-schema.org/draft-07/schema#"
DRAFT_2019 = "https://json-schema.org/draft/2019-09/schema"


def constraint(schema: dict[str, Any]) -> Constraint:
    return Constraint("json_schema", json.dumps(schema))


@pytest.mark.parametrize(
    "schema",
    [
        {"not": {"$ref": "#/definitions/long", "maxLength": 3}, "type": "string"},
        {"if": {"$ref": "#/definitions/text", "const": "x"}, "then": {"const": "y"}},
        {"properties": {"a": {"$ref": "#/definitions/text", "minLength": 3}}},
        {
            "oneOf": [
                {"$ref": "#/definitions/text", "type": "string"},
                {"$ref": "#/definitions/plain", "type": "integer"},
            ]
        },
        {"oneOf": [{"$ref": "#/x/one", "const": 1}, {"const": "abcd"}]},
        {"properties": {"$ref": {"type": "string"}, "enum": {"$ref": "#/x/one"}}},
    ],
)
def test_beside_references(schema: dict[str, Any]) -> None:
    """Until draft 7 keywords beside a reference mean nothing, also where the schema must not fit."""
    definitions = {
        "long": {"minLength": 2},
        "text": {"type": "string"},
        "plain": {"type": ["string", "integer"]},
    }
    schema = {"$schema": DRAFT_7, **schema, "definitions": definitions}
    schema["x"] = {"one": {"$ref": "#/definitions/plain", "const": 5}}
    for value in ("a", "abcd", "x", "y", 1, 5, {"a": "b"}, {"a": 1}, {"$ref": 1}, {"enum": 1}):
        fits = jsonschema.Draft7Validator(schema).is_valid(value)
        assert accepts(constraint(schema), json.dumps(value)) is fits, value


@pytest.mark.parametrize(
    "uri",
    [
        "http://json-schema.org/draft-03/schema#",
        "https://json-schema.org/v1",
        "https://example.com/our-own-keywords",
        7,
    ],
)
def test_unknown_drafts(uri: object) -> None:
    """Draft 3 has keywords that later ones do not know, such as ``divisibleBy``."""
    for schema in ({"$schema": uri}, {"properties": {"a": {"$schema": uri, "divisibleBy": 3}}}):
        with pytest.raises(ConstraintRefused, match=r"at #, \$schema .* use draft 4, 6, 7, "):
            grammar_of(constraint(schema))


@pytest.mark.parametrize(
    "uri",
    [
        "https://json-schema.org/draft-07/schema",
        "http://json-schema.org/draft-07/hyper-schema#",
        "http://json-schema.org/draft-05/schema#",
        "http://json-schema.org/draft/2020-12/schema#",
        "http://json-schema.org/schema#",
        "",
    ],
)
def test_spellings(uri: str) -> None:
    schema = constraint({"$schema": uri, "type": "integer", "minimum": 3})
    assert accepts(schema, "3")
    assert not accepts(schema, "2")


@pytest.mark.parametrize(
    "schema",
    [
        {"$schema": DRAFT_4, "const": 1},
        {"$schema": DRAFT_4, "not": {"const": 1, "type": "string"}},
        {"$schema": DRAFT_4, "if": {"type": "integer"}, "then": {"minimum": 2}},
        {"$schema": DRAFT_4, "oneOf": [{"$ref": "#/definitions/a"}, {"type": "string"}]},
        {"$schema": DRAFT_7, "if": {"dependentRequired": {"a": ["b"]}}, "then": {"minimum": 2}},
        {"$schema": DRAFT_2019, "prefixItems": [{"type": "string"}], "items": {"type": "integer"}},
    ],
)
def test_keywords_of_later_drafts(schema: dict[str, Any]) -> None:
    """A draft ignores what it does not know, also where a schema must not fit."""
    schema["definitions"] = {"a": {"const": 1, "type": "integer"}}
    found = jsonschema.validators.validator_for(schema)(schema)
    for value in (1, 2, "a", {"a": 1}, [1], ["a"]):
        assert accepts(constraint(schema), json.dumps(value)) is found.is_valid(value), value


def test_parts_in_other_drafts() -> None:
    part = {"$id": "http://example.com/a", "$schema": DRAFT_7, "type": "integer"}
    schema = {"$defs": {"a": part}, "$ref": "http://example.com/a"}
    assert accepts(constraint(schema), "1")
    assert not accepts(constraint(schema), '"1"')
    schema = {"$schema": DRAFT_7, "properties": {"a": {"$schema": DRAFT_2019}}}
    with pytest.raises(ConstraintRefused, match="names draft 2019-09"):
        grammar_of(constraint(schema))
