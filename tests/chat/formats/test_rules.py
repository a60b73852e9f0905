"""The grammar of each format allows what its models write, and nothing whose arguments do not fit."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from types import ModuleType

import pytest
from llguidance import LLMatcher, LLTokenizer

from chat.formats import function_gemma, gemma, minimax_nested
from chat.formats.test_formats import FAMILIES
from coblyn.chat.calls import call_grammar
from coblyn.chat.messages import NamedTool, Tool, ToolChoice
from coblyn.chat.reasoning import NO_REASONING, Reasoning
from coblyn.chat.reply import ReplyForm
from coblyn.constraints.constraint import Constraint
from coblyn.constraints.vocabulary import Vocabulary, make_tokenizer
from constraints.vocabularies import accepts
from replies import TOOLS, read

SCHEMAS = {tool.name: tool.parameters or {"type": "object"} for tool in TOOLS}
END = 256
VARIANTS = [
    (family, template, text)
    for family in FAMILIES
    for template, text in {"": family.REQUIRED, **getattr(family, "VARIANTS", {})}.items()
]
BY_NAME = [f"{family.FORMAT.name}-{template}" for family, template, _ in VARIANTS]


def special_of(family: ModuleType, *, are_special: bool) -> dict[str, int]:
    names = family.FORMAT.kept if are_special else ()
    return {name: END + 1 + index for index, name in enumerate(names)}


@cache
def tokenizer(special: tuple[str, ...]) -> LLTokenizer:
    pieces = [*(bytes([byte]) for byte in range(256)), b"<end>", *map(str.encode, special)]
    ids = range(END, len(pieces))
    return make_tokenizer(Vocabulary(pieces, list(ids), [END], lambda text: list(text.encode())))


def tokens(text: str, special: dict[str, int]) -> list[int]:
    found: list[int] = []
    while text:
        name = next((name for name in special if text.startswith(name)), "")
        found += [special[name]] if name else list(text[0].encode())
        text = text[len(name) or 1 :]
    return found


class Rule:
    """A grammar, and the tokens of the texts that are tried."""

    def __init__(
        self,
        family: ModuleType,
        template: str = "",
        *,
        are_special: bool = False,
        choice: ToolChoice = "required",
        marks: Reasoning = NO_REASONING,
        is_reasoning: bool = False,
        is_parallel: bool = True,
    ) -> None:
        self.special = special_of(family, are_special=are_special)
        form = ReplyForm(family.FORMAT, marks, is_reasoning, TOOLS, template)
        found = call_grammar(form, choice, SCHEMAS, self.special, is_parallel=is_parallel)
        assert found
        self.triggers: Sequence[str] = found.triggers
        self.repeats = found.repeats
        self._tokenizer = tokenizer(tuple(self.special))
        self._grammar = LLMatcher.grammar_from_lark(found.lark)
        is_wrong, messages = LLMatcher.validate_grammar_with_warnings(
            self._grammar, self._tokenizer
        )
        assert not is_wrong, messages

    def allows(self, text: str) -> bool:
        matcher = LLMatcher(self._tokenizer, self._grammar, log_level=0)
        ids = tokens(text, self.special)
        if matcher.validate_tokens(ids) < len(ids):
            return False
        matcher.consume_tokens(ids)
        return bool(matcher.is_accepting())


@pytest.mark.parametrize("are_special", [False, True])
@pytest.mark.parametrize(("family", "template", "text"), VARIANTS, ids=BY_NAME)
def test_a_call_that_is_required(
    family: ModuleType, template: str, text: str, are_special: bool
) -> None:
    rule = Rule(family, template, are_special=are_special)
    assert not rule.triggers
    assert rule.allows(text)
    assert not rule.allows(text.replace("2", '"x"' if '"' in text else "x"))
    assert not rule.allows(text.replace("weather", "other"))
    assert not rule.allows("Some words.")
    form = ReplyForm(family.FORMAT, NO_REASONING, tools=TOOLS, template=template)
    (call,) = read([text], form).tool_calls
    assert call.values == {"city": "Oslo", "days": 2}


@pytest.mark.parametrize(("family", "template", "text"), VARIANTS, ids=BY_NAME)
def test_a_tool_by_name_and_alone(family: ModuleType, template: str, text: str) -> None:
    assert Rule(family, template, choice=NamedTool("weather")).allows(text)
    assert not Rule(family, template, choice=NamedTool("now")).allows(text)
    assert Rule(family, template, is_parallel=False).allows(text)
    assert not Rule(family, template, is_parallel=False).allows(text + text)


@pytest.mark.parametrize(("family", "template", "text"), VARIANTS, ids=BY_NAME)
def test_behind_the_mark_of_a_call(family: ModuleType, template: str, text: str) -> None:
    form = ReplyForm(family.FORMAT, NO_REASONING, tools=TOOLS, template=template)
    if call_grammar(form, "auto", SCHEMAS, {}) is None:
        assert family.FORMAT.name in ("llama3", "functionary-3.2"), "nothing tells a call at once"
        return
    rule = Rule(family, template, choice="auto")
    (mark,) = [mark for mark in rule.triggers if text.startswith(mark)]
    assert rule.allows(text.removeprefix(mark))
    assert not rule.allows(text.removeprefix(mark).replace("Oslo", "Os")[:-2])


THINK = Reasoning("<think>", "</think>")


@pytest.mark.parametrize("family", [gemma, function_gemma])
def test_values_of_several_types(family: ModuleType) -> None:
    schema = {"type": "object", "properties": {"a": {"type": ["string", "null"]}}}
    schema |= {"required": ["a"], "additionalProperties": False}
    tool = Tool("f", "", schema)
    found = call_grammar(ReplyForm(family.FORMAT, tools=(tool,)), "required", {"f": schema}, {})
    assert found
    right = [family.call(f"f{{a:{value}}}") for value in ("null", f"{family.Q}x{family.Q}")]
    assert [text for text in right if not accepts(Constraint("lark", found.lark), text)] == []
    assert not accepts(Constraint("lark", found.lark), family.call("f{a:1}"))


def test_values_within_values() -> None:
    tag, invoke, block = minimax_nested.tag, minimax_nested.invoke, minimax_nested.block
    place = {**minimax_nested.PLACE, "additionalProperties": False}
    size = {"type": "array", "items": {"type": "integer"}, "minItems": 1}
    declared = {"to": place, "stops": {"type": "array", "items": place}, "size": size}
    schema = {"type": "object", "properties": declared, "additionalProperties": False}
    tool = Tool("f", "", schema)
    found = call_grammar(
        ReplyForm(minimax_nested.FORMAT, tools=(tool,)), "required", {"f": schema}, {}
    )
    assert found

    def allows(*values: str) -> bool:
        return accepts(Constraint("lark", found.lark), block(invoke("f", *values)))

    home = tag("street", "Rue <1>") + tag("number", "18")
    assert allows(tag("to", home), tag("stops", tag("item", home) * 2))
    assert allows(tag("to", tag("street", "")), tag("stops", ""), tag("size", "[1]"))
    assert not allows(tag("to", tag("number", "18"))), "a street is required"
    assert not allows(tag("to", tag("street", "x") + tag("number", "x")))
    assert not allows(tag("stops", tag("item", "x")))
    assert not allows(tag("size", "[]")), "what elements cannot enforce is JSON"


def test_what_tools_have_in_common_is_written_once() -> None:
    (hermes,) = (family for family in FAMILIES if family.FORMAT.name == "hermes")
    day = {"type": "string", "pattern": "^[0-9]{2}:[0-5][0-9]$"}
    plain = {"type": "object", "properties": {"at": day}, "required": ["at"]}
    referring = {**plain, "properties": {"at": {"$ref": "#/$defs/day"}}, "$defs": {"day": day}}
    schemas = {"ring": plain, "sing": {**plain, "title": "Sing"}, "wait": referring}
    tools = tuple(Tool(name, "", schema) for name, schema in schemas.items())
    found = call_grammar(ReplyForm(hermes.FORMAT, tools=tools), "required", schemas, {})
    assert found
    assert found.lark.count("[0-5]") == 2, "once for two tools, and once in what refers to its own"

    def allows(name: str, at: str) -> bool:
        call = f'<tool_call>{{"name": "{name}", "arguments": {{"at": "{at}"}}}}</tool_call>'
        return accepts(Constraint("lark", found.lark), call)

    assert all(allows(name, "10:30") for name in schemas)
    assert not any(allows(name, "10:60") for name in schemas)
    assert not allows("other", "10:30")


def test_reasoning_stands_before_a_call_that_is_required() -> None:
    (hermes,) = (family for family in FAMILIES if family.FORMAT.name == "hermes")
    may_open = Rule(hermes, marks=THINK)
    assert may_open.allows(f"<think>\nhm {hermes.REQUIRED}\n</think>\n\n{hermes.REQUIRED}")
    assert may_open.allows(hermes.REQUIRED)
    is_open = Rule(hermes, marks=THINK, is_reasoning=True)
    assert is_open.allows(f"hm\n</think>\n\n{hermes.REQUIRED}")
    assert not is_open.allows(hermes.REQUIRED)


def test_several_calls_unless_only_one_is_wanted() -> None:
    (hermes,) = (family for family in FAMILIES if family.FORMAT.name == "hermes")
    twice = f"{hermes.REQUIRED}\n{hermes.REQUIRED}"
    assert Rule(hermes).allows(twice)
    assert Rule(hermes, choice="auto").repeats
    assert not Rule(hermes, choice="auto", is_parallel=False).repeats


def test_without_tools_or_by_choice_nothing_is_required() -> None:
    (hermes,) = (family for family in FAMILIES if family.FORMAT.name == "hermes")
    assert call_grammar(ReplyForm(hermes.FORMAT), "auto", {}, {}) is None
    assert call_grammar(ReplyForm(hermes.FORMAT, tools=TOOLS), "none", SCHEMAS, {}) is None
