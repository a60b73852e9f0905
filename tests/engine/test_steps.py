"""Steps in a row: how far a row goes on by itself, and who is looked at meanwhile."""

from __future__ import annotations

from coblyn.constraints.constraint import Constraint
from coblyn.engine.events import Delta
from coblyn.engine.fake import FakeRunner
from coblyn.engine.params import SamplingParams
from coblyn.engine.prompt import Prompt
from engine.machine import SCRIPT, Machine


def steps_in_a_row(**options: object) -> Machine:
    return Machine(FakeRunner(script=SCRIPT, most_steps=8, **options))  # type: ignore[arg-type]


def max_outputs(machine: Machine) -> int:
    return max(row.max_drawn for plan in machine.runner.history for row in plan.rows)


def test_a_step_goes_on_while_there_is_nothing_to_decide() -> None:
    machine = steps_in_a_row()
    machine.add("a", "first", 20)
    machine.add("b", "second", 12)
    machine.run()
    deltas = [e.text for e in machine.events if isinstance(e, Delta) and e.request_id == "a"]
    # The first token goes at once; "b" has no more than 11 then, and "a" 8 when "b" is gone.
    assert list(map(len, deltas)) == [1, 8, 3, 8]
    assert (machine.text("a"), machine.text("b")) == (SCRIPT[:20], SCRIPT[:12])
    assert machine.finish("a").stats.num_generated == 20


def test_who_waits_for_the_end_of_another_holds_nobody_up() -> None:
    machine = Machine(FakeRunner(script=SCRIPT, most_steps=8), max_running=1)
    machine.add("a", "first", 20)
    machine.add("b", "second", 12)
    machine.run()
    lengths = [len(e.text) for e in machine.events if isinstance(e, Delta) and e.request_id == "a"]
    assert lengths == [1, 8, 8, 3]
    assert (machine.text("a"), machine.text("b")) == (SCRIPT[:20], SCRIPT[:12])


def test_a_guided_request_that_waits_for_two_places_holds_nobody_up() -> None:
    machine = Machine(FakeRunner(script=SCRIPT, most_steps=8, max_sequences=2))
    machine.add("a", "first", 20)
    away = {"sampling": SamplingParams(guidance_scale=1.5), "negative": Prompt.of(b"away")}
    machine.add("b", "second", 12, **away)
    machine.step()
    assert machine.scheduler.num_waiting == 1
    assert [row.max_drawn for row in machine.step().rows] == [19]
    machine.run()
    assert (machine.text("a"), machine.text("b")) == (SCRIPT[:20], SCRIPT[:12])


def test_a_prompt_is_never_read_beside_steps_in_a_row() -> None:
    machine = steps_in_a_row()
    machine.add("a", "first", 100)
    machine.step()
    machine.add("b", "x" * 300, 5)
    while machine.scheduler.has_work:
        plan = machine.step()
        is_free = all(len(row.tokens) == 1 for row in plan.rows)
        assert is_free or all(row.max_drawn <= 1 for row in plan.rows)


def test_what_was_computed_behind_a_stop_string_is_taken_back() -> None:
    machine = steps_in_a_row()
    machine.add("a", "x" * 50, 50, stop=("ef",))
    machine.run()
    assert (machine.text("a"), machine.finish("a").reason) == ("abcd", "stop")
    assert machine.finish("a").stats.num_generated == 6
    # Of six tokens the last is never computed.
    assert machine.runner.held[0] == [*b"x" * 50, *SCRIPT[:5].encode()]
    machine.add("b", "x" * 50 + SCRIPT[:5] + "!")
    machine.run()
    assert machine.finish("b").stats.num_cached == 55


def test_a_model_that_takes_nothing_back_is_looked_at_after_every_step() -> None:
    machine = steps_in_a_row(is_rewindable=False)
    machine.add("a", "x" * 50, 50, stop=("ef",))
    machine.run()
    assert max_outputs(machine) == 1
    machine.add("b", "y" * 50, 20)
    machine.run()
    assert max_outputs(machine) > 8


def test_steps_in_a_row_need_cells() -> None:
    machine = steps_in_a_row(num_cells=100)
    machine.add("a", "x" * 40, 30)
    machine.add("b", "y" * 40, 30)
    machine.step()
    assert [row.max_drawn for row in machine.step().rows] == [
        10,
        10,
    ]  # twenty cells for two, though each may draw 29 tokens
    while machine.scheduler.has_work:
        machine.step()
        assert sum(map(len, machine.runner.held.values())) <= 100
    assert (machine.text("a"), machine.text("b")) == (SCRIPT[:30], SCRIPT[:30])


def test_nobody_gets_a_token_after_the_end() -> None:
    machine = Machine(FakeRunner(script="end", most_steps=8))
    machine.add("a", "x", 50)
    machine.add("b", "y", 6, ignore_eos=True)
    machine.run()
    assert (machine.text("a"), machine.finish("a").reason) == ("end", "eos")
    assert machine.finish("a").stats.num_generated == 4
    assert machine.finish("b").stats.num_generated == 6


def test_a_slow_mask_holds_nobody_else_up() -> None:
    machine = Machine(FakeRunner(script=SCRIPT, repeats=True, mask_steps=3, most_steps=4))
    machine.add("bound", "a", 6, constraint=Constraint("regex", "[a-z]{4}"))
    machine.add("free", "b", 40)
    machine.run()
    assert machine.text("bound") == SCRIPT[:4]
    assert machine.text("free") == SCRIPT[:40]
    draws = [
        [row for row in plan.rows if row.max_drawn] for plan in machine.runner.history if plan.rows
    ]
    # Until its text is over, three of four of its steps find no mask; meanwhile the other goes on by itself.
    assert max(row.max_drawn for rows in draws for row in rows if row.request_id == "free") > 1
    assert len(draws) < 40
