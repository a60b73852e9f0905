"""Reasoning and answer are told apart, however the text is cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coblyn.chat.channels import Part, Splitter
from coblyn.chat.reasoning import NO_REASONING, Reasoning, opens_reasoning, reasoning_of

THINK = Reasoning("<think>", "</think>")


def split(
    text: str, places: list[int], *, is_open: bool = False, marks: Reasoning = THINK
) -> dict[str, str]:
    """The text of each channel, given in pieces."""
    splitter = Splitter(marks, is_open=is_open)
    edges = [0, *sorted({place % (len(text) + 1) for place in places}), len(text)]
    parts: list[Part] = []
    for start, end in pairwise(edges):
        parts += splitter.push(text[start:end])
    parts += splitter.flush()
    texts = {"reasoning": "", "content": ""}
    for part in parts:
        texts[part.channel] += part.text
    return texts


CASES = [
    ("<think>\nhm, 2 < 3\n</think>\n\nYes.", False, "hm, 2 < 3", "Yes."),
    ("\n<think>hm</think>Yes.", False, "hm", "Yes."),
    ("hm</think>\n\nYes.", True, "hm", "Yes."),
    ("<think>\nhm</think>Yes.", True, "hm", "Yes."),
    ("<think>\n\n</think>\n\nYes.", False, "", "Yes."),
    ("</think>\n\nYes.", False, "", "Yes."),
    ("hm, and then", True, "hm, and then", ""),
    ("Yes. <thin air>", False, "", "Yes. <thin air>"),
    ("One.<think>hm</think> Two.", False, "hm", "One.Two."),
    ("  indented\n", False, "", "  indented\n"),
    ("", False, "", ""),
    ("<", False, "", "<"),
]


@pytest.mark.parametrize(("text", "is_open", "reasoning", "content"), CASES)
def test_channels(text: str, is_open: bool, reasoning: str, content: str) -> None:
    assert split(text, [], is_open=is_open) == {"reasoning": reasoning, "content": content}


@given(st.sampled_from(CASES), st.lists(st.integers(0, 40)))
def test_however_text_is_cut_the_channels_are_the_same(
    case: tuple[str, bool, str, str], places: list[int]
) -> None:
    text, is_open, reasoning, content = case
    assert split(text, places, is_open=is_open) == {"reasoning": reasoning, "content": content}


@given(st.text("<think/> a"), st.lists(st.integers(0, 40)))
def test_a_model_that_does_not_reason_is_left_alone(text: str, places: list[int]) -> None:
    assert split(text, places, marks=NO_REASONING) == {"reasoning": "", "content": text}


def test_only_what_may_be_a_mark_is_held_back() -> None:
    splitter = Splitter(THINK)
    assert splitter.push("It is 2 <") == [Part("content", "It is 2")]
    assert splitter.push(" 3") == [Part("content", " < 3")]
    assert splitter.channel == "content"


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
        ("<|im_start|>assistant\n", False),
    ],
)
def test_a_prompt_tells_whether_reasoning_is_open(prompt: str, is_open: bool) -> None:
    assert opens_reasoning(THINK, prompt) is is_open
    assert not opens_reasoning(NO_REASONING, prompt)
