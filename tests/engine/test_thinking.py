"""Reasoning ends where its limit is, and the text goes on behind what ends it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coblyn.constraints.constraint import Constraint
from coblyn.engine.events import Delta
from coblyn.engine.fake import FakeRunner
from coblyn.engine.params import SamplingParams
from coblyn.engine.thinking import Thinking, Thought
from engine.machine import Machine

SCRIPT = "<think>let me see, one and two</think>three. " + "and on it goes. " * 3
ENDING = "</think>\n"


def thinking(max_tokens: int | None = None, *, is_open: bool = False) -> Thinking:
    return Thinking("<think>", "</think>", ENDING, is_open, max_tokens)


def machine(**how: object) -> Machine:
    return Machine(FakeRunner(script=SCRIPT, repeats=True, **how))  # type: ignore[arg-type]


KINDS = pytest.mark.parametrize(
    "how",
    [{}, {"most_steps": 8}, {"is_rewindable": False}, {"shares_cells": False, "most_steps": 8}],
    ids=["one by one", "steps in a row", "recurrent", "own cells"],
)


@KINDS
def test_reasoning_that_is_too_long_is_ended(how: dict[str, object]) -> None:
    one = machine(**how)
    one.add("a", "prompt", 60, thinking=thinking(11))
    one.add("b", "other", 60, thinking=thinking())
    one.run()
    head = "<think>let me see," + ENDING
    # The fake goes on where its script is after so many tokens.
    assert one.text("a") == head + (SCRIPT * 2)[len(head) : 60]
    assert one.text("b") == SCRIPT[:60], "no limit, and no trouble with the neighbour's"
    assert one.finish("a").stats.num_generated == 60


@KINDS
def test_reasoning_that_is_short_enough_is_left_alone(how: dict[str, object]) -> None:
    one = machine(**how)
    one.add("a", "prompt", 60, thinking=thinking(24))
    one.run()
    assert one.text("a") == SCRIPT[:60]


def test_what_a_prompt_opened_counts_from_its_end() -> None:
    one = machine()
    one.runner.script = "still thinking"
    one.add("a", "prompt", 30, thinking=thinking(5, is_open=True))
    one.run()
    assert one.text("a").startswith("still" + ENDING)


def test_somebody_may_end_it_at_any_time() -> None:
    one = machine(most_steps=8)
    one.add("a", "prompt", 60, thinking=thinking())
    one.add("b", "without", 20)
    while len(one.text("a")) < 12:
        one.step()
    before = one.text("a")
    for name in ("a", "b", "nobody"):
        one.scheduler.end_thinking(name)
    one.run()
    after = one.text("a")[len(before) :]
    assert after[1:].startswith(ENDING), "at the next token"
    assert one.text("b") == SCRIPT[:20]


def test_an_answer_has_no_limit_and_reasoning_in_several_parts_one_together() -> None:
    thought = Thought(thinking(3))
    spent = []
    for piece in ["x", "<think>", "a", "b", "</think>", "c", "d", "e", "<think>", "f", "g"]:
        thought.push(piece.encode())
        spent.append(thought.is_spent)
    assert spent == [False] * 9 + [True, True]
    thought.rewind(2)
    assert not thought.is_spent
    thought.push(b"f")
    assert thought.is_spent


def test_marks_are_found_however_they_are_cut() -> None:
    for pieces in ([b"<", b"th", b"ink>"], [b"ab<think>"], [b"<<think", b">"]):
        thought = Thought(thinking(0))
        for piece in pieces:
            assert not thought.is_spent
            thought.push(piece)
        assert thought.is_spent
        for piece in (b"</thi", b"nk>"):
            thought.push(piece)
        assert not thought.is_spent


def test_a_mark_that_is_begun_again_and_again_is_not_waited_for() -> None:
    thought = Thought(thinking(2, is_open=True))
    for _ in range(2 + len("</think>") - 1):
        thought.push(b"<")
        assert not thought.is_spent
    thought.push(b"<")
    assert thought.is_spent


@given(
    st.lists(st.sampled_from([b"a", b"\xc3", b"\xe2", b"\xf0", b"\x97", b"<", b"</"]), max_size=30),
    st.integers(0, 10),
    st.booleans(),
)
@settings(deadline=None, max_examples=60)
def test_the_limit_is_passed_by_no_more_than_a_character_or_the_mark(
    pieces: list[bytes], limit: int, ends: bool
) -> None:
    thought = Thought(thinking(None if ends else limit, is_open=True))
    for place, piece in enumerate(pieces):
        if ends and place == limit:
            thought.end()
        if thought.is_spent:
            break
        has_mark = b"<" in b"".join(pieces[:place])
        assert place < limit + (len("</think>") if has_mark else 3)
        thought.push(piece)


def test_reasoning_that_is_ended_on_request_ends_between_two_characters() -> None:
    thought = Thought(thinking(is_open=True))
    for piece in [b"a"] * 20 + [b"\xe7", b"\x81"]:
        thought.push(piece)
    thought.end()
    assert not thought.is_spent
    thought.push(b"\xaf")
    assert thought.is_spent


@KINDS
@pytest.mark.parametrize("banned", ["think", "k>three", "</", "i"])
def test_what_is_banned_may_be_a_part_of_the_closing_mark(
    how: dict[str, object], banned: str
) -> None:
    one = machine(**how)
    one.runner.script = "<think>one</think>two. Xthink."
    one.add("a", "prompt", 22, thinking=thinking(), banned_phrases=(banned,))
    one.run()
    assert one.text("a") == "<think>one</think>two."


@KINDS
@pytest.mark.parametrize(
    ("banned", "kept"),
    [("let", "aet me see,"), ("see,", "let me aee,"), (", and", "let me see,")],
    ids=["within", "at the limit", "beyond the limit"],
)
def test_what_is_taken_back_counts_no_longer(
    how: dict[str, object], banned: str, kept: str
) -> None:
    one = machine(**how)
    one.add("a", "prompt", 60, thinking=thinking(11), banned_phrases=(banned,))
    one.add("b", "other", 60, thinking=thinking(11))
    one.run()
    head = "<think>" + kept + ENDING
    assert one.text("a") == head + (SCRIPT * 2)[len(head) : 60]
    assert one.text("b").startswith("<think>let me see," + ENDING)
    assert one.finish("a").stats.num_generated == 60


def test_it_ends_between_two_characters() -> None:
    one = machine()
    one.runner.script = "<think>" + "灯" * 20
    one.add("a", "prompt", 40, thinking=thinking(4))
    one.run()
    assert one.text("a").startswith("<think>灯灯" + ENDING)


def test_what_ends_it_may_be_too_long_for_what_is_left() -> None:
    one = machine()
    one.add("a", "prompt", 15, thinking=thinking(5))
    one.run()
    assert one.text("a") == "<think>let m</th"[:15]
    assert one.finish("a").reason == "length"


def test_a_constraint_takes_part() -> None:
    one = machine()
    number = Constraint("regex", "\n[0-9]{2}", triggers=("</think>",), is_required=True)
    one.add("a", "prompt", 60, thinking=thinking(3), constraint=number)
    one.run()
    assert one.text("a") == "<think>let</think>\n00"
    assert one.finish("a").reason == "eos"


def test_tokens_that_were_not_drawn_have_no_log_probability() -> None:
    one = machine()
    one.add("a", "prompt", 30, thinking=thinking(3), sampling=SamplingParams(logprobs=1))
    one.run()
    tokens = [t for event in one.events if isinstance(event, Delta) for t in event.tokens]
    missing = bytes(t.token for t in tokens if t.logprob is None).decode()
    assert missing == ENDING


@settings(max_examples=40, deadline=None)
@given(
    most_steps=st.integers(1, 8),
    is_rewindable=st.booleans(),
    limits=st.lists(st.one_of(st.none(), st.integers(0, 40)), min_size=1, max_size=4),
    phrases=st.lists(st.sampled_from(["see", "on it", "e"]), max_size=2),
)
def test_mixed_requests_keep_to_their_limits(
    most_steps: int, is_rewindable: bool, limits: list[int | None], phrases: list[str]
) -> None:
    one = machine(most_steps=most_steps, is_rewindable=is_rewindable, num_cells=260)
    for index, limit in enumerate(limits):
        banned = tuple(phrases) if index % 2 else ()
        one.add(str(index), "p" * (index + 1), 50, thinking=thinking(limit), banned_phrases=banned)
    one.run()
    for index, limit in enumerate(limits):
        text = one.text(str(index))
        if index % 2 and "e" in phrases:
            continue  # the closing mark could be written by nobody who may not write its letters
        assert len(text) == 50
        thought, _, _ = text.removeprefix("<think>").partition("</think>")
        assert limit is None or len(thought) <= limit


@pytest.mark.parametrize("text", ["a", "é", "→", "\U0001f600"])
def test_it_does_not_end_within_a_character(text: str) -> None:
    thought = Thought(thinking(1, is_open=True))
    spent = []
    for byte in text.encode():
        thought.push(bytes([byte]))
        spent.append(thought.is_spent)
    assert spent == [False] * (len(spent) - 1) + [True]


def test_what_is_no_character_is_not_waited_for() -> None:
    thought = Thought(thinking(1, is_open=True))
    spent = []
    for _ in range(5):
        thought.push(b"\xf0")
        spent.append(thought.is_spent)
    assert spent == [False, False, False, True, True]
