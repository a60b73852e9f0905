"""Plain schemas: known to be enforced, and to have values, without being compiled."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coblyn.constraints import grammar
from coblyn.constraints.constraint import Constraint
from coblyn.constraints.formats import DEFINED, of_format
from coblyn.constraints.grammar import enforceable_together, grammar_of
from coblyn.constraints.node import Unenforceable
from coblyn.constraints.plain import is_plain
from coblyn.constraints.rewriting import rewritten

COUNTS = st.one_of(st.integers(-2, 110), st.sampled_from([True, 2.0, None, 10**12]))
SCALARS = st.sampled_from(["string", "integer", "number", "boolean", "null", "array", "object"])
VALUES = st.one_of(st.text(max_size=4), st.integers(), st.booleans(), st.none(), st.floats())
PATTERNS = [written["pattern"] for name in sorted(DEFINED) if (written := of_format(name))]
LEAVES: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from([True, False, {}, {"description": "\ud800"}, {"type": "null", "title": "é"}]),
    st.builds(lambda kind: {"type": kind}, SCALARS | st.lists(SCALARS, max_size=3)),
    st.builds(lambda values: {"enum": values}, st.lists(VALUES, max_size=4)),
    st.builds(lambda values: {"type": "string", "enum": values}, st.lists(VALUES, max_size=2)),
    st.builds(lambda value: {"const": value}, VALUES),
    st.builds(
        lambda text: {"type": "string", "pattern": text}, st.sampled_from([*PATTERNS, "a(", "^a"])
    ),
    st.fixed_dictionaries(
        {"type": st.sampled_from(["string", "integer", "number"])},
        optional=dict.fromkeys(
            ("minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum"), COUNTS
        ),
    ),
)
SCHEMAS: st.SearchStrategy[Any] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.fixed_dictionaries(
            {"type": st.just("array")},
            optional={"items": inner, "minItems": COUNTS, "maxItems": COUNTS},
        ),
        st.builds(
            lambda named, **others: {"type": "object", "properties": named, **others},
            st.dictionaries(st.text(max_size=5), inner, max_size=3),
            additionalProperties=st.booleans() | inner,
        ),
    ),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(SCHEMAS)
def test_what_is_plain_is_enforced_with_all_its_properties(schema: Any) -> None:
    try:
        found = rewritten(schema)
    except Unenforceable:
        return
    if is_plain(schema) or is_plain(found):
        whole = {"type": "array", "items": _all_required(schema), "minItems": 1}
        assert grammar_of(Constraint("json_schema", json.dumps(whole)))


def _all_required(schema: Any) -> Any:
    """With one item and each property, so that something has to fit each part."""
    if not isinstance(schema, dict):
        return schema
    found = dict(schema)
    if "properties" in found:
        found["properties"] = {
            key: _all_required(each) for key, each in found["properties"].items()
        }
        found["required"] = list(found["properties"])
    if "items" in found and found.get("maxItems", 1) > 0:
        found["items"] = _all_required(found["items"])
        found["minItems"] = max(1, found.get("minItems", 0))
    return found


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string", "minLength": 1, "description": "A name."}, True),
        ({"type": "string", **(of_format("date") or {})}, True),
        ({"type": "string", "pattern": "^a+$"}, False),
        ({"type": "string", "minLength": 3, "maxLength": 2}, False),
        ({"type": ["boolean", "null"]}, True),
        ({"type": "array", "items": {"enum": ["a", 1, None]}, "maxItems": 8}, True),
        ({"type": "array", "items": {"type": "string"}, "uniqueItems": True}, False),
        ({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}, True),
        ({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["b"]}, False),
        ({"type": "object", "properties": {"a": False}}, False),
        ({"anyOf": [{"type": "string"}]}, False),
        ({"type": "string", "description": "\ud800"}, False),
    ],
)
def test_what_counts_as_plain(schema: Any, expected: bool) -> None:
    assert is_plain(schema) == expected


def test_only_what_is_not_plain_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []
    compile_one = grammar._problem_of_grammar

    def watched(schema: dict[str, Any]) -> str:
        compiled.append(json.dumps(schema))
        return compile_one(schema)

    monkeypatch.setattr(grammar, "_problem_of_grammar", watched)

    def tool(**properties: Any) -> dict[str, Any]:
        return {"type": "object", "properties": properties}

    plain = tool(when={"type": "string", "format": "date"}, much={"type": "integer"})
    special, wrong = tool(word={"type": "string", "pattern": "^a$"}), tool(no={"pattern": "a("})
    assert all(enforceable_together([plain, plain]))
    assert not compiled
    assert all(enforceable_together([plain, special]))
    (only,) = compiled
    assert "^a$" in only
    assert "much" not in only
    found = enforceable_together([plain, special, wrong])
    assert [bool(each) for each in found] == [True, False, False], "those are read one by one"
