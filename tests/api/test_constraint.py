"""Under which names a constraint is asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from coblyn.api.constraint import bind, read_constraint
from coblyn.constraints.constraint import ANY_JSON, Constraint
from coblyn.errors import BadRequest
from coblyn.service.command import GenerateCommand, TokenPrompt

SCHEMA = {"type": "integer"}
AS_SCHEMA = Constraint("json_schema", '{"type": "integer"}')
GBNF = 'root ::= "a"'


@pytest.mark.parametrize(
    ("body", "constraint"),
    [
        ({}, None),
        ({"response_format": {"type": "text"}, "grammar": "", "guided_json": None}, None),
        ({"response_format": {"type": "json_object"}}, ANY_JSON),
        ({"response_format": {"type": "json_object", "schema": SCHEMA}}, AS_SCHEMA),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"schema": SCHEMA}}},
            AS_SCHEMA,
        ),
        ({"response_format": {"type": "json_schema", "schema": SCHEMA}}, AS_SCHEMA),
        ({"response_format": {"type": "grammar", "grammar": GBNF}}, Constraint("gbnf", GBNF)),
        ({"json_schema": SCHEMA}, AS_SCHEMA),
        ({"grammar": GBNF}, Constraint("gbnf", GBNF)),
        ({"grammar": SCHEMA}, AS_SCHEMA),
        ({"grammar": '{"type": "integer"}'}, AS_SCHEMA),
        ({"grammar": 'start: "a"'}, Constraint("lark", 'start: "a"')),
        ({"guided_regex": "a+"}, Constraint("regex", "a+")),
        ({"guided_choice": ["a", "b"]}, Constraint("choice", '["a", "b"]')),
        ({"structured_outputs": {"json": SCHEMA}}, AS_SCHEMA),
        (
            {"structured_outputs": {"json": SCHEMA, "disable_any_whitespace": True}},
            replace(AS_SCHEMA, whitespace="none"),
        ),
    ],
)
def test_a_constraint_is_found(body: dict[str, Any], constraint: Constraint | None) -> None:
    assert read_constraint(body) == constraint


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"response_format": "json"}, "response_format"),
        ({"response_format": {"type": "xml"}}, "response_format"),
        ({"response_format": {"type": "json_schema"}}, "response_format.schema"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"schema": 3}}},
            "response_format.json_schema.schema",
        ),
        ({"grammar": 3}, "grammar"),
        (
            {"structured_outputs": {"json": SCHEMA, "whitespace_pattern": " "}},
            "structured_outputs.whitespace_pattern",
        ),
        ({"guided_choice": "a"}, "guided_choice"),
        ({"grammar": GBNF, "json_schema": SCHEMA}, "grammar"),
    ],
)
def test_what_cannot_be_understood_is_refused(body: dict[str, Any], field: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read_constraint(body)
    assert caught.value.field == field


def test_whitespace_is_bounded_unless_a_body_says_otherwise() -> None:
    command = GenerateCommand(TokenPrompt((1,)))
    assert bind(command, {"json_schema": SCHEMA}).constraint == AS_SCHEMA
    bound = bind(command, {"json_schema": SCHEMA, "json_whitespace": "any"})
    assert bound.constraint == replace(AS_SCHEMA, whitespace="any")
    assert bind(command, {"json_whitespace": "none"}).constraint is None
    with pytest.raises(BadRequest, match="bounded, any or none") as caught:
        bind(command, {"json_schema": SCHEMA, "json_whitespace": ["any"]})
    assert caught.value.field == "json_whitespace"
