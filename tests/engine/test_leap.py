"""Tokens that a constraint forces are taken together, and computed in one step."""

from __future__ import annotations

import pytest

from coblyn.constraints.constraint import Constraint
from coblyn.engine.fake import FakeRunner
from coblyn.engine.params import SamplingParams
from engine.machine import Machine

SCRIPT = "the cold shivers down her spine. "
SONG = Constraint("gbnf", 'root ::= "seven " ("green" | "blue") " bottles on a wall" [.!]')


def machine(**how: object) -> Machine:
    return Machine(FakeRunner(script=SCRIPT, repeats=True, **how))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "how",
    [{}, {"is_rewindable": False}, {"shares_cells": False}, {"mask_steps": 1}],
    ids=["plain", "recurrent", "own cells", "late masks"],
)
def test_forced_tokens_take_no_steps_of_their_own(how: dict[str, object]) -> None:
    one = machine(**how)
    one.add("a", "prompt", 60, constraint=SONG)
    one.add("b", "other", 60)
    one.run()
    assert one.text("a") == "seven blue bottles on a wall!"
    assert one.finish("a").reason == "eos"
    assert one.finish("a").stats.num_generated == len(one.text("a"))
    assert one.text("b") == (SCRIPT * 2)[:60], "the neighbour notices nothing"
    rows = [row for plan in one.runner.history for row in plan.rows if row.request_id == "a"]
    drawn = sum(row.max_drawn > 0 for row in rows) / (1 + int(how.get("mask_steps", 0)))  # type: ignore[call-overload]
    assert drawn <= 6, "of 29 tokens"


def test_each_is_drawn_where_its_log_probability_is_asked_for() -> None:
    one = machine()
    one.add("a", "prompt", 60, constraint=SONG, sampling=SamplingParams(logprobs=0))
    one.run()
    assert one.text("a") == "seven blue bottles on a wall!"
    rows = [row for plan in one.runner.history for row in plan.rows]
    assert sum(row.max_drawn for row in rows) == 29


@pytest.mark.parametrize("max_tokens", [1, 3, 6, 7, 20, 28])
def test_a_text_may_be_cut_within_them(max_tokens: int) -> None:
    one = machine()
    one.add("a", "prompt", max_tokens, constraint=SONG)
    one.add("b", "prompt", 10)
    one.run()
    assert one.text("a") == "seven blue bottles on a wall!"[:max_tokens]
    assert one.finish("a").reason == "length"


@pytest.mark.parametrize("most_steps", [1, 8])
def test_a_stop_string_within_them_ends_the_text(most_steps: int) -> None:
    one = machine(most_steps=most_steps)
    one.add("a", "prompt", 60, constraint=SONG, stop=("tles",))
    one.run()
    assert one.text("a") == "seven blue bot"
    one.add("c", "prompt", 60, constraint=SONG)
    one.run()
    assert one.text("c") == "seven blue bottles on a wall!", "what is kept of the first is sound"


def test_what_was_forced_before_is_not_forced_in_the_free_text_behind_it() -> None:
    one = machine()
    song = Constraint("regex", "so!", triggers=("cold ",), repeats=True)
    one.add("a", "prompt", 33, constraint=song)
    one.run()
    assert one.text("a") == SCRIPT[:9] + "so!" + SCRIPT[12:], "it goes on with an s of its own"
