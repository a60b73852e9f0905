"""Equal texts of a schema are written once, and mean the same."""

from __future__ import annotations

import json
from typing import Any

import pytest

from coblyn.constraints.constraint import Constraint
from coblyn.constraints.repeated import with_references
from constraints.vocabularies import accepts

DATE = {"type": "string", "format": "date"}
HEX = {"type": "string", "pattern": "^[0-9a-f]+$"}


def test_equal_texts_are_written_once() -> None:
    schema = {
        "properties": {"a": {**HEX, "title": "A"}, "b": HEX, "pattern": {"pattern": "x"}},
        "items": [HEX, {"$id": "http://example.com/", "items": HEX}],
        "enum": [HEX, HEX],
    }
    found = with_references(schema)
    (name,) = found["$defs"]
    place = {"$ref": f"#/$defs/{name}"}
    assert found["$defs"] == {name: HEX}
    assert found["properties"] == {"a": place, "b": place, "pattern": {"pattern": "x"}}
    assert found["items"] == [place, schema["items"][1]]
    assert found["enum"] == [HEX, HEX]


@pytest.mark.parametrize(
    ("schema", "right", "wrong"),
    [
        (
            {"properties": {"a": DATE, "b": DATE}, "additionalProperties": False},
            {"a": "2024-02-29", "b": "2023-01-01"},
            {"a": "2024-02-29", "b": "2023-02-29"},
        ),
        (
            {"allOf": [{"properties": {"a": HEX}}, {"properties": {"a": HEX, "b": {}}}]},
            {"a": "0f"},
            {"a": "g"},
        ),
        (
            {"anyOf": [HEX, {"items": HEX, "type": "array"}], "$defs": {"mine": HEX}},
            ["aa"],
            ["x"],
        ),
        (
            {"$schema": "http://json-schema.org/draft-07/schema#", "items": [DATE, DATE, HEX, HEX]},
            ["2024-01-01", "2024-01-01", "a", "b"],
            ["2024-01-01", "2024-01-01", "a", "z"],
        ),
    ],
)
def test_they_mean_the_same(schema: dict[str, Any], right: Any, wrong: Any) -> None:
    constraint = Constraint("json_schema", json.dumps(schema))
    assert accepts(constraint, json.dumps(right))
    assert not accepts(constraint, json.dumps(wrong))
