"""Reasoning and answer are told apart, however the text is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coblyn.chat.formats.format import Format, Situation
from coblyn.chat.incoming import Incoming, Reading
from coblyn.chat.outgoing import Outgoing
from coblyn.chat.reasoning import NO_REASONING, Reasoning, opens_reasoning, reasoning_of
from coblyn.chat.reply import ContentText, ReasoningText, ReplyReader
from replies import Case, check, events_of, form_of, pieces, read

THINK = Reasoning("<think>", "</think>")

CASES = [
    Case("<think>\nhm, 2 < 3\n</think>\n\nYes.", "Yes.", reasoning="hm, 2 < 3"),
    Case("\n<think>hm</think>Yes.", "Yes.", reasoning="hm"),
    Case("hm</think>\n\nYes.", "Yes.", reasoning="hm", is_reasoning=True),
    Case("<think>\nhm</think>Yes.", "Yes.", reasoning="hm", is_reasoning=True),
    Case("<think>\n\n</think>\n\nYes.", "Yes."),
    Case("</think>\n\nYes.", "Yes."),
    Case("hm, and then", reasoning="hm, and then", is_reasoning=True),
    Case("Yes. <thin air>", "Yes. <thin air>"),
    Case("One.<think>hm</think> Two.", "One. Two.", reasoning="hm"),
    Case("<think>a</think>One.<think>b</think>", "One.", reasoning="a\nb"),
    Case("  indented\n", "  indented\n"),
    Case(""),
    Case("<", "<"),
]


@given(st.sampled_from(CASES), st.lists(st.integers(0, 40)))
def test_reasoning_is_told_apart_however_the_text_is_cut(case: Case, places: list[int]) -> None:
    check(case, form_of(marks=THINK, is_reasoning=case.is_reasoning), places)


@given(st.text("<think/> a"), st.lists(st.integers(0, 40)))
def test_a_model_that_does_not_reason_is_left_alone(text: str, places: list[int]) -> None:
    assert read(pieces(text, places), form_of(marks=NO_REASONING)).content == text


def test_only_what_may_be_a_mark_is_held_back() -> None:
    reader = ReplyReader(form_of(marks=THINK))
    assert reader.push("It is 2 <") == [ContentText("It is 2")]
    assert reader.push(" 3") == [ContentText(" < 3")]
    assert reader.push(" <think>") == []
    assert reader.push("hm") == [ReasoningText("hm")]


def _stumbling(incoming: Incoming, out: Outgoing, situation: Situation) -> Reading[None]:
    yield from incoming.until(("!",), out.content)
    raise ValueError("it cannot be read")


def test_what_a_reader_stumbles_over_is_content() -> None:
    form = form_of(Format("stumbling", bool, _stumbling))
    assert events_of(["a", "b!c", "d"], form) == [
        ContentText("a"),
        ContentText("bc"),
        ContentText("d"),
    ]


@pytest.mark.parametrize(
    ("template", "opening"),
    [
        ("{{ '<think>\\n' }}", "<think>"),
        ("[SYSTEM_PROMPT][THINK]", "[THINK]"),
        ("<|START_THINKING|>", "<|START_THINKING|>"),
        ("<|channel>thought", "<|channel>thought\n"),
        ("<seed:think>", "<seed:think>"),
        ("<|im_start|>{{ message.content }}", ""),
    ],
)
def test_a_template_tells_the_marks(template: str, opening: str) -> None:
    assert reasoning_of(template).opening == opening


@pytest.mark.parametrize(
    ("prompt", "is_open"),
    [
        ("<|im_start|>assistant\n<think>\n", True),
        ("<|im_start|>assistant\n<think>\n\n</think>\n\n", False),
        ("<think>a</think>b<|im_start|>assistant\n", False),
        ("<|im_start|>user\nWhat is <think>?<|im_start|>assistant\n", False),
        ("<|im_start|>assistant\n", False),
    ],
)
def test_a_prompt_tells_whether_reasoning_is_open(prompt: str, is_open: bool) -> None:
    assert opens_reasoning(THINK, prompt) is is_open
    assert not opens_reasoning(NO_REASONING, prompt)
