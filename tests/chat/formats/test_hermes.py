from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coblyn.chat.formats.hermes import HERMES
from coblyn.chat.outgoing import CallArguments, CallBegun, CallBroken, ContentText
from coblyn.chat.reasoning import Reasoning
from coblyn.chat.reply import ReplyReader
from replies import Case, check, events_of, form_of

THINK = Reasoning("<think>", "</think>")
OSLO = ("weather", '{"city": "Oslo", "days": 2}')
CALL = '<tool_call>\n{"name": "weather", "arguments": {"city": "Oslo", "days": 2}}\n</tool_call>'

CASES = [
    Case("No tool is needed.", "No tool is needed."),
    Case(CALL, calls=[OSLO]),
    Case(f"Let me look.\n\n{CALL}", "Let me look.", [OSLO]),
    Case(f"{CALL}\n{CALL}", calls=[OSLO, OSLO]),
    Case(f"{CALL}\nDone.", "Done.", [OSLO]),
    Case(f"<think>\nhm\n</think>\n\n{CALL}", calls=[OSLO], reasoning="hm"),
    Case(f"so I call it\n</think>\n{CALL}", "", [OSLO], "so I call it", is_reasoning=True),
    Case("<think>a <tool_call> is a call</think>No.", "No.", reasoning="a <tool_call> is a call"),
    Case('<tool_call>{"name":"now","arguments":{}}</tool_call>', calls=[("now", "{}")]),
    Case('<tool_call>{"name": "now"}</tool_call>', calls=[("now", "{}")]),
    Case('<tool_call>{"name": "now", "arguments": null}</tool_call>', calls=[("now", "{}")]),
    Case(
        '<tool_call>{"arguments": {"city": "Oslo"}, "name": "weather"}</tool_call>',
        calls=[("weather", '{"city": "Oslo"}')],
    ),
    Case(
        '<tool_call>{"name": "weather", "arguments": "{\\"city\\": \\"Oslo\\"}"}</tool_call>',
        calls=[("weather", '{"city": "Oslo"}')],
    ),
    Case(
        '<tool_call>{"name": "write", "arguments": {"content": "if (x) { y } </tool_call> \\"}\\""}}</tool_call>',
        calls=[("write", '{"content": "if (x) { y } </tool_call> \\"}\\""}')],
    ),
    Case('<tool_call>{"name": "weather", "arguments": {"city": "Oslo", "days": 2}}', calls=[OSLO]),
    Case(
        '<tool_call>{"name": "weather", "arguments": {"city": "Oslo", "days": 2}</tool_call> ok',
        "ok",
        [OSLO],
    ),
    Case(f'<tool_call>{{"name": "now"}}{CALL}', calls=[("now", "{}"), OSLO]),
    Case(
        '<tool_call>{"name": "search", "parameters": {"options": {"a": [1, {}]}}}</tool_call>',
        calls=[("search", '{"options": {"a": [1, {}]}}')],
    ),
    Case('<tool_call>{"name": "unknown", "arguments": {}}</tool_call>', calls=[("unknown", "{}")]),
    Case("<tool_call>no JSON</tool_call> So.", "<tool_call>no JSON</tool_call> So."),
    Case('<tool_call>{"name": ', '<tool_call>{"name": '.rstrip() + " "),
    Case("2 <tool", "2 <tool"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.text[:50])
def test_cases(case: Case) -> None:
    check(case, form_of(HERMES, THINK, is_reasoning=case.is_reasoning))


@given(st.sampled_from(CASES), st.lists(st.integers(0, 200)))
def test_however_the_text_is_cut(case: Case, places: list[int]) -> None:
    check(case, form_of(HERMES, THINK, is_reasoning=case.is_reasoning), places)


def test_a_call_that_is_cut_is_broken_and_its_text_is_kept() -> None:
    text = '<tool_call>\n{"name": "weather", "arguments": {"city": "Os'
    events = events_of([text], form_of(HERMES))
    begun, arguments, broken = events
    assert isinstance(begun, CallBegun)
    assert begun.name == "weather"
    assert arguments == CallArguments(0, '{"city": "Os')
    assert broken == CallBroken(0, text)


def test_arguments_are_given_as_they_come() -> None:
    reader = ReplyReader(form_of(HERMES))
    assert reader.push('<tool_call>{"name": "weather", "argu') == []
    (begun,) = reader.push('ments": ')
    assert isinstance(begun, CallBegun)
    assert reader.push('{"city": "O') == [CallArguments(0, '{"city": "O')]
    assert reader.push('slo"}') == [CallArguments(0, 'slo"}')]
    assert reader.has_calls is False
    assert reader.push("}</tool_call>") == []
    assert reader.has_calls is True


def test_without_tools_nothing_is_a_call() -> None:
    assert events_of([CALL], form_of(HERMES, tools=())) == [ContentText(CALL)]
