"""The constraint on calls, from the schemas of tools as clients send them, in every format."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from chat.formats import gemma, harmony, kimi_xtml, lfm2, qwen_xml
from chat.formats.test_formats import FAMILIES
from coblyn.chat.messages import Message, Tool
from coblyn.chat.reply import ReplyForm
from coblyn.chat.template import ChatTemplate
from coblyn.constraints.constraint import Constraint
from coblyn.constraints.grammar import enforceable_arguments
from coblyn.errors import BadRequest, ConstraintRefused
from coblyn.service.calling import constraint_of, constraint_of_calls, read_calls
from coblyn.service.command import ChatPrompt
from constraints.vocabularies import accepts, allowed, matcher
from replies import read

NEVER: dict[str, Any] = {
    "empty_list": {"enum": []},
    "boolean": False,
    "bounds": {"type": "integer", "minimum": 2, "maximum": 1},
    "two_types": {"allOf": [{"type": "string"}, {"type": "integer"}]},
    "requires_it": {"type": "object", "properties": {"x": {"enum": []}}, "required": ["x"]},
    "by_reference": {"$ref": "#/$defs/nothing"},
    "endless": {"$ref": "#/$defs/endless"},
    "endless_list": {"$ref": "#/$defs/endless_list"},
}
DEFINITIONS = {
    "nothing": {"allOf": [{"$ref": "#/$defs/none"}]},
    "none": {"type": "null", "enum": []},
    "endless": {
        "type": "object",
        "required": ["a"],
        "properties": {"a": {"$ref": "#/$defs/endless"}},
    },
    "endless_list": {"type": "array", "minItems": 1.0, "items": {"$ref": "#/$defs/endless_list"}},
}
ONE: dict[str, Any] = {
    "type": "object",
    "properties": {"n": {"type": "integer"}},
    "required": ["n"],
}


def by_name(family: ModuleType) -> str:
    return str(family.FORMAT.name)


def form_of(family: ModuleType, *tools: Tool) -> ReplyForm:
    template = next(iter({"": "", **getattr(family, "VARIANTS", {})}))
    return ReplyForm(family.FORMAT, tools=tools, template=template)


def required(family: ModuleType, schema: dict[str, Any]) -> Constraint:
    tool = Tool("f", "", schema)
    prompt = ChatPrompt((), tools=(tool,), tool_choice="required", parallel_tool_calls=False)
    found = constraint_of_calls(prompt, form_of(family, tool), {})
    assert found
    return found


@pytest.mark.parametrize("family", FAMILIES, ids=by_name)
def test_an_optional_argument_that_nothing_fits_is_left_out(family: ModuleType) -> None:
    schema = {**ONE, "properties": {**NEVER, **ONE["properties"]}, "$defs": DEFINITIONS}
    rule = required(family, schema)
    assert allowed(matcher(rule)), "it can be compiled"
    outside_json = "\n".join(line for line in rule.text.splitlines() if "%json" not in line)
    assert [name for name in NEVER if name in outside_json] == []


def test_an_argument_of_any_kind_beside_one_that_nothing_fits() -> None:
    schema = {"properties": {"a": True, "b": {"not": {}}}, "required": ["a"]}
    rule = required(qwen_xml, schema)
    assert "parameter=a" in rule.text
    assert "parameter=b" not in rule.text


@pytest.mark.parametrize("name", NEVER)
def test_a_required_one_is_refused_with_its_path(name: str) -> None:
    schema = {"properties": {name: NEVER[name]}, "required": [name], "$defs": DEFINITIONS}
    with pytest.raises(ConstraintRefused, match=r"#.*, no value fits") as caught:
        required(qwen_xml, schema)
    assert "Unsatisfiable" not in caught.value.message


@pytest.mark.parametrize(
    ("kind", "message"),
    [("array", 'an object, not "array"'), (["null", "string"], 'not \\["null", "string"\\]')],
)
def test_arguments_are_an_object(kind: object, message: str) -> None:
    with pytest.raises(ConstraintRefused, match=message):
        required(qwen_xml, {"type": kind})


def test_a_required_argument_that_is_not_declared_may_be_anything() -> None:
    hermes = next(family for family in FAMILIES if family.FORMAT.name == "hermes")
    rule = required(hermes, {"properties": {"a": {"type": "integer"}}, "required": ["b"]})
    call = '<tool_call>\n{"name": "f", "arguments": {"b": [1]}}\n</tool_call>'
    assert accepts(rule, call)
    assert not accepts(rule, call.replace('"b": [1]', ""))


def test_references_to_the_whole_schema_keep_their_meaning() -> None:
    schema = {"properties": {"n": {"$ref": "#"}, "v": {"type": "integer"}}}
    call = "<tool_call>\n<function=f>\n<parameter=n>\n{}\n</parameter>\n</function>\n</tool_call>"
    rule = required(qwen_xml, schema)
    assert accepts(rule, call.replace("{}", '{"n": {"v": 1}}'))
    assert not accepts(rule, call.replace("{}", '{"n": {"v": "x"}}'))
    assert not accepts(rule, call.replace("{}", "1"))


@pytest.mark.parametrize(
    ("family", "name"),
    [(qwen_xml, "a>b"), (lfm2, "a b"), (gemma, "a:b")],
    ids=["qwen-xml", "lfm2", "gemma"],
)
def test_a_name_that_a_format_cannot_write(family: ModuleType, name: str) -> None:
    schema = {"properties": {name: {"type": "integer"}}}
    with pytest.raises(ConstraintRefused, match=f"cannot write the name '{name}'"):
        required(family, {**schema, "required": [name]})
    assert name not in required(family, schema).text


def test_enumerated_values_of_several_kinds_in_python() -> None:
    schema = {"properties": {"a": {"enum": ["x", 1, None, True]}}, "required": ["a"]}
    rule = required(lfm2, schema)
    form = form_of(lfm2, Tool("f", "", schema))
    for written, value in (('"x"', "x"), ("1", 1), ("None", None), ("True", True)):
        text = f"<|tool_call_start|>[f(a={written})]<|tool_call_end|>"
        assert accepts(rule, text)
        assert read([text], form).tool_calls[0].values == {"a": value}
    assert not accepts(rule, '<|tool_call_start|>[f(a="y")]<|tool_call_end|>')


def test_what_gemma_writes_in_an_object() -> None:
    inner = {"type": "object", "properties": {"kind": {"enum": ["x", 1]}}, "required": ["kind"]}
    bounded = {"type": "integer", "maximum": 5}
    rule = required(gemma, {"properties": {"a": inner, "n": bounded}, "required": ["a", "n"]})
    right = [f"f{{a:{{kind:{value}}},n:5}}" for value in (f"{gemma.Q}x{gemma.Q}", "1")]
    assert all(accepts(rule, gemma.call(text)) for text in right)
    wrong = [right[0].replace("x", "y"), right[1].replace("n:5", "n:6"), "f{a:{},n:5}"]
    assert not any(accepts(rule, gemma.call(text)) for text in wrong)


def test_gemma_may_write_any_names_where_none_are_declared() -> None:
    numbers = {"type": "object", "properties": {}, "additionalProperties": {"type": "integer"}}
    rule = required(gemma, {"properties": {"a": numbers}, "required": ["a"]})
    assert accepts(rule, gemma.call("f{a:{k:1}}"))


def test_the_type_of_harmonys_arguments_stands_apart_from_the_name() -> None:
    rule = required(harmony, {})
    call = "<|channel|>commentary to=functions.f<|constrain|>json<|message|>{}"
    assert accepts(rule, call)
    assert accepts(rule, call.replace("<|constrain|>", " "))
    assert not accepts(rule, call.replace("<|constrain|>", ""))


def tools_of(count: int) -> tuple[Tool, ...]:
    return tuple(Tool(f"f{index}", "", ONE | {"title": str(index)}) for index in range(count))


async def test_a_caller_who_leaves_stops_the_reading_at_the_next_tool(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    has_begun, may_end = threading.Event(), threading.Event()
    read: list[str] = []

    def slow(text: str) -> dict[str, object]:
        read.append(text)
        has_begun.set()
        assert may_end.wait(30)
        return {}

    monkeypatch.setattr("coblyn.service.tool_schemas._enforceable", slow)
    monkeypatch.setattr("coblyn.service.tool_schemas._MAX_TOGETHER", 0)
    pool = ThreadPoolExecutor(1)
    monkeypatch.setattr("coblyn.service.calling._threads", lambda: pool)
    tools = tools_of(3)
    prompt = ChatPrompt((), tools=tools, tool_choice="required")
    task = asyncio.create_task(read_calls(prompt, form_of(qwen_xml, *tools), {}))
    assert await asyncio.to_thread(has_begun.wait, 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    may_end.set()
    pool.shutdown()
    assert len(read) == 1


def test_tools_that_take_too_long_to_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coblyn.service.tool_schemas._MAX_SECONDS", -1)
    tools = tools_of(2)
    with pytest.raises(ConstraintRefused, match="Tool 'f0': It was not read"):
        constraint_of_calls(
            ChatPrompt((), tools=tools, tool_choice="required"), form_of(qwen_xml, *tools), {}
        )


def test_many_optional_arguments() -> None:
    schema = {"properties": {f"a{index}": {"type": "integer"} for index in range(600)}}
    hermes = next(family for family in FAMILIES if family.FORMAT.name == "hermes")
    rule = required(hermes, schema)
    assert accepts(
        rule, '<tool_call>\n{"name": "f", "arguments": {"a7": 1, "a599": 2}}\n</tool_call>'
    )


def test_too_many_optional_arguments_are_refused_at_once() -> None:
    schema: dict[str, Any] = {"properties": {f"a{index}": {} for index in range(2001)}}
    with pytest.raises(ConstraintRefused, match="at #, it has 2001 optional properties"):
        required(qwen_xml, schema)


@pytest.mark.parametrize(
    ("opened", "triggers"), [("think", kimi_xtml.FORMAT.answers), ("response", ())]
)
def test_a_constrained_answer_begins_where_the_prompt_or_the_model_opens_it(
    opened: str, triggers: tuple[str, ...]
) -> None:
    source = "{{ messages[0].content }}<|open|>" + opened + "<|sep|>"
    form = ChatTemplate(source).render([Message("user", "hi")]).form
    found = constraint_of(Constraint("regex", "[0-9]+"), None, form)
    assert found
    assert (found.triggers, found.is_required) == (triggers, bool(triggers))


def test_a_message_that_is_continued_is_an_answer_already() -> None:
    source = "{% for m in messages %}{{ m.content }}{% endfor %}<|open|>x<|sep|>"
    talk = [Message("user", "hi"), Message("assistant", "1")]
    form = ChatTemplate(source).render(talk, continues_last=True).form
    found = constraint_of(Constraint("regex", "[0-9]+"), None, form)
    assert found
    assert found.triggers == ()


def test_a_required_call_follows_an_answer_where_the_format_has_both() -> None:
    rule = required(
        kimi_xtml, {"properties": {"a": {"type": ["string", "null"]}}, "required": ["a"]}
    )
    whole = '<|open|>json type="object"<|sep|>{"a": null}<|close|>json<|sep|>'
    call = kimi_xtml.tools(kimi_xtml.call("f", whole))
    assert accepts(rule, call)
    assert accepts(rule, kimi_xtml.response("I look.") + call)
    assert accepts(rule, f"<|close|>response<|sep|>{call}"), "the prompt opened it"
    assert not accepts(rule, kimi_xtml.response("I look."))
    assert not accepts(rule, call.replace("null", "1"))


PERSON = Constraint(
    "json_schema",
    '{"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"],'
    ' "additionalProperties": false}',
)


@pytest.mark.parametrize("family", FAMILIES, ids=by_name)
def test_a_reply_is_a_call_or_an_answer_of_the_schema(family: ModuleType) -> None:
    tool = Tool("f", "", ONE)
    prompt = ChatPrompt((), tools=(tool,))
    form = form_of(family, tool)
    calls = constraint_of_calls(prompt, form, {}, PERSON)
    whole = constraint_of(PERSON, calls, form)
    assert whole
    if form.format.answers:  # such a form has marks for both
        assert whole.is_lazy
        return
    assert not whole.is_lazy
    assert accepts(whole, '{"age": 3}')
    assert not accepts(whole, '{"age": "three"}')
    assert not accepts(whole, "Three years.")
    call = constraint_of_calls(replace(prompt, tool_choice="required"), form, {})
    assert call
    assert allowed(matcher(call)) & allowed(matcher(whole)) == allowed(matcher(call))


def test_a_required_call_takes_the_place_of_an_answer_of_a_schema_only() -> None:
    hermes = next(family for family in FAMILIES if family.FORMAT.name == "hermes")
    form, call = form_of(hermes, Tool("f", "", ONE)), required(hermes, ONE)
    assert constraint_of(PERSON, call, form) is call
    with pytest.raises(BadRequest, match="tool_choice"):
        constraint_of(Constraint("regex", "a+"), call, form)


def test_calls_that_begin_as_json_does_stay_possible_beside_an_answer() -> None:
    generic = next(family for family in FAMILIES if family.FORMAT.name == "generic")
    tool = Tool("f", "", ONE)
    form = form_of(generic, tool)
    whole = constraint_of_calls(ChatPrompt((), tools=(tool,)), form, {}, PERSON)
    assert whole
    assert accepts(whole, '{"tool_calls": [{"name": "f", "arguments": {"n": 1}}]}')
    assert not accepts(whole, '{"tool_calls": 3}')


def test_arguments_can_be_given_where_their_schema_cannot_be_enforced() -> None:
    schema = {"properties": {"a": {"type": "float"}, "b": {"type": "string"}}, "required": ["a"]}
    tool = Tool("f", "", schema)
    found = constraint_of_calls(ChatPrompt((), tools=(tool,)), form_of(qwen_xml, tool), {})
    assert found
    call = qwen_xml.call("f", a="1.5", b="x")
    rule = replace(found, triggers=())
    assert accepts(rule, call.removeprefix(found.triggers[0]))
    assert not accepts(rule, qwen_xml.call("f", b="x").removeprefix(found.triggers[0]))


def test_tools_are_compiled_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that cannot be read beside the others, or at all, leaves the others as they are."""
    hermes = next(family for family in FAMILIES if family.FORMAT.name == "hermes")
    date = {"type": "object", "properties": {"on": {"type": "string", "format": "date"}}}
    shared = {"$defs": {"n": {"type": "integer"}}, "properties": {"n": {"$ref": "#/$defs/n"}}}
    never = {"properties": {"x": {"allOf": [{"type": "string"}, {"type": "integer"}]}}}
    one_by_one: list[dict[str, object]] = []

    def watched(schema: dict[str, object]) -> dict[str, object]:
        one_by_one.append(schema)
        return enforceable_arguments(schema)

    monkeypatch.setattr("coblyn.constraints.grammar.enforceable_arguments", watched)
    schemas = {"a": date, "b": date, "c": shared, "d": never}
    for count, num_single in ((3, 1), (4, 2)):  # the dates are plain
        tools = tuple(
            Tool(name, "", schema | {"title": f"one of {count}"})
            for name, schema in list(schemas.items())[:count]
        )
        prompt = ChatPrompt((), tools=tools, tool_choice="required")
        rule = constraint_of_calls(prompt, form_of(hermes, *tools), {})
        assert rule is not None
        call = '<tool_call>\n{{"name": "{}", "arguments": {}}}\n</tool_call>'
        assert accepts(rule, call.format("a", '{"on": "2024-02-29"}'))
        assert not accepts(rule, call.format("b", '{"on": "2023-02-29"}'))
        assert accepts(rule, call.format("c", '{"n": 3}'))
        assert not accepts(rule, call.format("c", '{"n": "3"}'))
        assert len(one_by_one) == num_single
        one_by_one.clear()
