"""Text that a format writes without quotes is held to its schema, as JSON is."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from chat.formats import (
    dsml,
    function_gemma,
    gemma,
    glm,
    kimi_xtml,
    lfm2,
    minicpm,
    minimax,
    minimax_nested,
    qwen_xml,
    seed,
)
from coblyn.chat.messages import Tool
from coblyn.chat.reply import ReplyForm
from coblyn.constraints.constraint import Constraint
from coblyn.errors import ConstraintRefused
from coblyn.service.calling import constraint_of_calls
from coblyn.service.command import ChatPrompt
from constraints.vocabularies import accepts
from replies import read

WRITERS: dict[ModuleType, Callable[[str], str]] = {
    qwen_xml: lambda text: qwen_xml.call("f", a=text),
    seed: lambda text: seed.call("f", a=text),
    glm: lambda text: glm.call("f", a=text),
    minimax: lambda text: minimax.block(minimax.invoke("f", a=text)),
    dsml: lambda text: dsml.block(dsml.invoke("f", a=(text, True))),
    kimi_xtml: lambda text: kimi_xtml.tools(
        kimi_xtml.call("f", kimi_xtml.argument("a", "string", text))
    ),
    minimax_nested: lambda text: minimax_nested.block(
        minimax_nested.invoke("f", minimax_nested.tag("a", text))
    ),
    minicpm: lambda text: minicpm.call("f", a=text),
    gemma: lambda text: gemma.call(f"f{{a:{gemma.Q}{text}{gemma.Q}}}"),
    function_gemma: lambda text: function_gemma.call(
        f"f{{a:{function_gemma.Q}{text}{function_gemma.Q}}}"
    ),
    lfm2: lambda text: lfm2.calls(f'f(a="{text}")'),
}
DEFINED = {"short": {"type": "string", "maxLength": 2}}
CASES: list[tuple[dict[str, Any], str, str]] = [
    ({"type": "string", "pattern": "^a[0-9]+$"}, "a12", "b1"),
    ({"type": "string", "pattern": "b+c"}, "xbbcx", "xcx"),
    ({"type": "string", "pattern": "^a|b$"}, "cb", "bc"),
    ({"type": "string", "pattern": "^[^/]+/[^/]+$"}, "a/b", "a/b/c"),
    ({"type": "string", "minLength": 1}, "<b>", ""),
    ({"type": "string", "minLength": 2, "maxLength": 3}, "äöü", "äöüß"),
    ({"type": "string", "format": "date"}, "2024-01-31", "2024-01-32"),
    ({"type": "string", "format": "email"}, "a@b.de", "a b"),
    ({"type": "string", "format": "ipv4"}, "10.0.0.255", "10.0.0.256"),
    ({"type": "string", "format": "uri"}, "https://a.b:80/c?d=/#e", "a b"),
    (
        {"type": "string", "format": "uuid"},
        "12345678-1234-1234-1234-123456789abc",
        "12345678-1234-1234-1234-123456789ab",
    ),
    ({"allOf": [{"type": "string", "pattern": "x"}, {"maxLength": 2}]}, "yx", "yxy"),
    ({"anyOf": [{"const": "x"}, {"type": "string", "pattern": "^y"}]}, "yx", "xy"),
    ({"$ref": "#/$defs/short"}, "ab", "abc"),
    ({"type": "string", "not": {"enum": ["no"]}}, "yes", "no"),
]


def rule_of(
    family: ModuleType, schema: dict[str, Any], choice: Any = "required", *, strict: bool = False
) -> tuple[Constraint, ReplyForm]:
    parameters = {"properties": {"a": schema}, "required": ["a"], "$defs": DEFINED}
    tool = Tool("f", "", parameters, strict)
    template = next(iter({"": "", **getattr(family, "VARIANTS", {})}))
    form = ReplyForm(family.FORMAT, tools=(tool,), template=template)
    prompt = ChatPrompt((), tools=(tool,), tool_choice=choice, parallel_tool_calls=False)
    found = constraint_of_calls(prompt, form, {})
    assert found
    return found, form


@pytest.mark.parametrize(("schema", "right", "wrong"), CASES, ids=[str(case[0]) for case in CASES])
@pytest.mark.parametrize("family", WRITERS, ids=lambda family: family.FORMAT.name)
def test_a_text_fits_its_schema(
    family: ModuleType, schema: dict[str, Any], right: str, wrong: str
) -> None:
    rule, form = rule_of(family, schema)
    write = WRITERS[family]
    assert accepts(rule, write(right))
    assert not accepts(rule, write(wrong))
    [call] = read([write(right)], form).tool_calls
    assert call.values == {"a": right}


@pytest.mark.parametrize("family", [qwen_xml, glm, gemma, kimi_xtml])
def test_a_long_text_is_possible(family: ModuleType) -> None:
    rule, _ = rule_of(family, {"type": "string", "maxLength": 100_000})
    assert accepts(rule, WRITERS[family]("a </b> " * 20))


def test_what_would_end_the_text_when_it_is_read_is_not_in_it() -> None:
    rule, _ = rule_of(qwen_xml, {"type": "string", "minLength": 9})
    assert not accepts(rule, WRITERS[qwen_xml]("a</parameter>b"))
    assert not accepts(rule, WRITERS[qwen_xml]("a\n</function>b"))
    assert accepts(rule, WRITERS[qwen_xml]("a</p></function>b"))
    rule, _ = rule_of(minimax, {"type": "string", "minLength": 3})
    assert not accepts(rule, WRITERS[minimax]("\nab"))


@pytest.mark.parametrize("family", [qwen_xml, gemma])
def test_what_cannot_be_enforced_is_refused_by_name_where_it_has_to_be(
    family: ModuleType, caplog: pytest.LogCaptureFixture
) -> None:
    duration = {"type": "string", "format": "duration"}
    with pytest.raises(ConstraintRefused, match="format"):
        rule_of(family, duration)
    with pytest.raises(ConstraintRefused, match="format"):
        rule_of(family, duration, "auto", strict=True)
    rule_of(family, duration, "auto")
    assert "format of a text is not enforced" in caplog.text


def test_lists_with_counts_are_enforced_for_gemma() -> None:
    rule, form = rule_of(gemma, {"type": "array", "items": {"type": "string"}, "minItems": 1})
    assert accepts(rule, gemma.call('f{a:["x"]}'))
    assert not accepts(rule, gemma.call("f{a:[]}"))
    [call] = read([gemma.call('f{a:["x"]}')], form).tool_calls
    assert call.values == {"a": ["x"]}
