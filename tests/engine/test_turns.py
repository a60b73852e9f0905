"""Requests with different sets of adapters share no step, and none of them waits for long."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coblyn.engine.fake import FakeRunner
from coblyn.engine.plan import Plan
from coblyn.engine.prompt import Adapter, Namespace, Prompt
from engine.machine import SCRIPT, Machine

SETS: list[tuple[Adapter, ...]] = [
    (),
    (Adapter("a"),),
    (Adapter("a", 0.5),),
    (Adapter("a"), Adapter("c", 1.0, "control")),
]


def add(machine: Machine, name: str, chosen: tuple[Adapter, ...], text: str, count: int) -> None:
    prompt = Prompt.of(text.encode(), Namespace(adapters=chosen))
    machine.add(name, prompt, count)


def names(plan: Plan) -> set[str]:
    return {row.request_id for row in plan.rows}


def test_equal_sets_share_their_steps_and_others_take_turns() -> None:
    machine = Machine(max_running=6)
    for index in range(6):
        add(machine, str(index), SETS[index % 3], f"prompt {index}", 20)
    plans = [machine.step() for _ in range(6)]
    assert [names(plan) for plan in plans] == 2 * [{"0", "3"}, {"1", "4"}, {"2", "5"}]
    machine.run()
    assert all(machine.text(str(index)) == SCRIPT[:20] for index in range(6))


@pytest.mark.parametrize(
    "steered", [SETS[3], (Adapter("p", 1.0, "prefix"),)], ids=["control", "new kind"]
)
def test_where_rows_may_have_adapters_of_their_own_all_that_is_written_shares_its_steps(
    steered: tuple[Adapter, ...],
) -> None:
    machine = Machine(FakeRunner(script=SCRIPT, repeats=True, mixes_adapters=True), max_running=5)
    for index in range(3):
        add(machine, str(index), SETS[index], f"prompt {index}", 30)
    reading = [names(machine.step()) for _ in range(3)]
    assert [len(each) for each in reading] == [1, 1, 1]
    assert all(names(machine.step()) == {"0", "1", "2"} for _ in range(4))
    add(machine, "steered", steered, "prompt", 30)
    plans = [names(machine.step()) for _ in range(6)]
    assert plans.count({"0", "1", "2"}) == plans.count({"steered"}) == 3
    add(machine, "long", SETS[1], "x" * 300, 4)
    plans = [names(machine.step()) for _ in range(6)]
    assert {"0", "1", "2"} in plans
    assert {"1", "long"} in plans
    machine.run()
    assert all(machine.text(str(index)) == SCRIPT[:30] for index in range(3))


def test_a_long_prompt_with_another_set_is_read_in_short_chunks_between_the_steps_of_others() -> (
    None
):
    machine = Machine(busy_batch=32)
    add(machine, "writes", SETS[0], "short", 100)
    machine.step()
    add(machine, "reads", SETS[1], "x" * 300, 5)
    plans = [machine.step() for _ in range(12)]
    assert all(plan.num_tokens <= 32 for plan in plans)
    assert all(
        names(one) | names(next_one) == {"writes", "reads"} for one, next_one in pairwise(plans)
    )


def test_sets_that_keep_coming_overtake_nobody() -> None:
    machine = Machine(max_running=3)
    add(machine, "old", SETS[0], "old", 40)
    for index in range(60):
        add(machine, f"new {index}", (Adapter("a", 1 + index / 64),), f"new {index}", 2)
    waited = longest = 0
    while not any(event.is_last and event.request_id == "old" for event in machine.events):
        waited = 0 if "old" in names(machine.step()) else waited + 1
        longest = max(longest, waited)
    assert longest <= 3


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from(SETS), st.integers(1, 90), st.integers(1, 30), st.integers(0, 6)),
        min_size=2,
        max_size=10,
    ),
    st.booleans(),
    st.booleans(),
    st.integers(1, 4),
    st.integers(150, 400),
)
def test_nobody_waits_for_more_than_a_turn_of_each_other_set(
    work: list[tuple[tuple[Adapter, ...], int, int, int]],
    speculates: bool,
    mixes: bool,
    most_steps: int,
    num_cells: int,
) -> None:
    runner = FakeRunner(
        script=SCRIPT,
        repeats=True,
        context=130,
        num_cells=num_cells,
        max_batch=48,
        max_sequences=8,
        mixes_adapters=mixes,
        most_steps=most_steps,
    )
    machine = Machine(runner, max_running=4, busy_batch=16, speculates=speculates)
    waits: dict[str, int] = {}

    def step() -> None:
        plan = machine.step()
        running = {each.request.id for each in machine.scheduler._roster.running}
        for name in running:
            waits[name] = 0 if name in names(plan) else waits.get(name, 0) + 1
            is_short = any(each.num_pending > 1 for each in machine.scheduler._roster.running)
            assert waits[name] <= len(SETS) or is_short, "cells may be short for one that is read"

    for index, (chosen, length, count, delay) in enumerate(work):
        add(machine, str(index), chosen, "x" * length, count)
        for _ in range(delay):
            if machine.scheduler.has_work:
                step()
    while machine.scheduler.has_work:
        step()
    for index, (_, length, count, _) in enumerate(work):
        assert machine.text(str(index)) == SCRIPT[: min(count, 130 - length)]
