"""Damaged replies of every format: no word is lost, nothing raises an error, and pieces give what the whole gives."""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.formats import function_gemma, gemma
from chat.formats.test_formats import FAMILIES
from coblyn.chat import reply
from coblyn.chat.formats.json_call import is_json
from coblyn.chat.messages import Message
from coblyn.chat.reply import ReplyForm
from replies import TOOLS, form_of, pieces, read

BEFORE, VALUE, AFTER = "Apple", "Banana", "Cherry"
TAG = re.compile(r"<[^<>\n]{1,40}>|\[/?[A-Z_]+\]|```\w*|[{}\[\]()]")
OTHERS = ("</tool_call>", "<tool_call|>", "</invoke>", "<|END_ACTION|>", "}", "]", ")", '"')
INSIDE = ("}", "{", "]", "'", '"', '\\"', "\\", "\\u00e9", "\\ud83d", "<", "</", "\n", "é", "🎉")
PAIRS = [
    (family, text)
    for family in FAMILIES
    for text in (family.REQUIRED, *getattr(family, "VARIANTS", {}).values())
]


def form(family: ModuleType) -> ReplyForm:
    return form_of(family.FORMAT, family.MARKS, tools=getattr(family, "TOOLS_HERE", TOOLS))


def whole(text: str) -> str:
    """A call with a word before it, in its argument, and after it."""
    return f"{BEFORE} {text.replace('Oslo', VALUE)} {AFTER}"


def said(message: Message) -> str:
    """All that a client gets of a reply."""
    calls = (f"{call.name} {call.arguments}" for call in message.tool_calls)
    return " ".join((message.content, message.reasoning, *calls))


def check(family: ModuleType, text: str, places: list[int]) -> None:
    with patch.object(reply.log, "exception", side_effect=AssertionError):
        message, again = (read(parts, form(family)) for parts in ([text], pieces(text, places)))
    assert said(again) == said(message)
    assert all(is_json(call.arguments) for call in message.tool_calls), text
    lost = [word for word in (BEFORE, VALUE, AFTER) if word in text and word not in said(message)]
    assert lost == [], text


def damaged(data: Any, text: str) -> str:
    """A text with one fault."""
    tags = [found.span() for found in TAG.finditer(text)]
    start, end = data.draw(st.sampled_from(tags)) if tags else (0, 0)
    tag = text[start:end]
    match data.draw(st.sampled_from(("double", "drop", "other", "inside", "name", "cut"))):
        case "double":
            return text[:end] + tag + text[end:]
        case "drop":
            return text[:start] + text[end:]
        case "other":
            return text[:start] + data.draw(st.sampled_from(OTHERS)) + text[end:]
        case "inside":
            return text.replace(VALUE, VALUE + data.draw(st.sampled_from(INSIDE)))
        case "name":
            return text.replace("weather", data.draw(st.sampled_from(("climate", "", "wéather"))))
        case _:
            return text[: data.draw(st.integers(0, len(text)))]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damage(data: Any) -> None:
    family, text = data.draw(st.sampled_from(PAIRS))
    text = whole(text)
    for _ in range(data.draw(st.integers(1, 3))):
        text = damaged(data, text)
    check(family, text, data.draw(st.lists(st.integers(0, 300), max_size=5)))


@pytest.mark.parametrize(("family", "text"), PAIRS, ids=lambda each: str(each)[:40])
def test_a_cut_anywhere(family: ModuleType, text: str) -> None:
    text = whole(text)
    for end in range(len(text) + 1):
        check(family, text[:end], [end // 2, end - 1])


@pytest.mark.parametrize(("family", "text"), PAIRS, ids=lambda each: str(each)[:40])
def test_each_tag_doubled_or_missing(family: ModuleType, text: str) -> None:
    text = whole(text)
    for found in TAG.finditer(text):
        check(family, text[: found.end()] + found[0] + text[found.end() :], [found.end()])
        check(family, text[: found.start()] + text[found.end() :], [found.start()])


@pytest.mark.parametrize("value", ["[1}", "[}", "[[}]}", "{a:[1}}", "{]"])
@pytest.mark.parametrize("mark", ["<|tool_call>call:f{a:", "<start_function_call>call:f{a:"])
def test_another_kind_of_bracket_ends_no_list(mark: str, value: str) -> None:
    for family in (gemma, function_gemma):
        check(family, mark + value, [len(mark), len(mark) + 1])
