"""How texts end, or must not: by tokens, not before so many, and with reasoning that has to end."""

from __future__ import annotations

import json

import pytest

from coblyn.constraints.constraint import Constraint
from coblyn.engine.events import Failed
from coblyn.engine.fake import END, FakeRunner
from coblyn.engine.params import SamplingParams
from coblyn.engine.thinking import Thinking
from engine.machine import SCRIPT, Machine

MARKS = Thinking("<think>", "</think>", "</think>\n", is_open=True, max_tokens=4)


@pytest.mark.parametrize("most_steps", [1, 8])
def test_a_stop_token_ends_the_text_and_has_none(most_steps: int) -> None:
    machine = Machine(FakeRunner(script=SCRIPT, repeats=True, most_steps=most_steps))
    machine.add("a", "x", 40, stop_tokens=(ord("f"), ord("z")))
    machine.run()
    assert (machine.text("a"), machine.finish("a").reason) == ("abcde", "stop")
    assert machine.finish("a").stats.num_generated == 6


@pytest.mark.parametrize("most_steps", [1, 8])
def test_no_text_ends_before_it_has_so_many_tokens(most_steps: int) -> None:
    machine = Machine(FakeRunner(script="end", most_steps=most_steps))
    machine.add("a", "x", 40, min_tokens=9, stop_tokens=(ord("n"),))
    machine.add("b", "x", 40)
    machine.run()
    assert machine.finish("a").stats.num_generated == 10
    assert machine.finish("a").reason == "eos"
    assert machine.text("b") == "end"
    drawn = [token for plan in machine.runner.history for row in plan.rows for token in row.banned]
    assert {END, ord("n")} == set(drawn)


def test_a_constraint_ends_where_it_is_complete() -> None:
    machine = Machine()
    machine.add("a", "x", 40, min_tokens=20, constraint=Constraint("regex", "abc"))
    machine.run()
    assert machine.text("a") == "abc"


def test_what_is_banned_may_stand_in_the_mark_that_ends_reasoning() -> None:
    machine = Machine()
    machine.add("a", "x", 20, thinking=MARKS, banned_phrases=("think", "d</"))
    machine.run()
    assert machine.text("a").startswith("abcd</think>\n")
    assert machine.finish("a").reason == "length"


def test_a_constraint_that_lets_no_reasoning_end_is_named() -> None:
    machine = Machine()
    machine.add("a", "x", 20, thinking=MARKS, constraint=Constraint("regex", "[a-z]+"))
    machine.run()
    (failed,) = [event for event in machine.events if isinstance(event, Failed)]
    assert "does not allow it to end" in failed.message
    assert failed.field == "constraint"


def test_a_text_that_is_known_is_scored_many_tokens_a_step() -> None:
    ids = list(b"knock, knock, who knocks at this hour, and in that cold?" * 3)
    machine = Machine()
    constraint = Constraint("tokens", json.dumps(ids))
    sampling = SamplingParams(temperature=0, logprobs=1)
    machine.add("a", "x", len(ids), sampling=sampling, constraint=constraint, speculates=False)
    machine.run()
    assert machine.text("a").encode() == bytes(ids)
    assert machine.finish("a").stats.num_right > len(ids) * 0.9
    assert len(machine.runner.history) <= len(ids) // 16 + 3
