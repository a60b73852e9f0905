"""Who runs when: rules of batching, chunking, sharing, cancelling and giving way, without a model.

``FakeRunner`` fails when a plan breaks the rules of a real context, so every test here checks those too.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coblyn.engine.content import Content
from coblyn.engine.events import Delta, Finish, Prefill
from coblyn.engine.fake import FakeRunner
from coblyn.engine.plan import Discard, Remove, Save
from coblyn.engine.prompt import Adapter, Media, Namespace, Prompt, Span, Tokens
from coblyn.engine.shelf import Shelf, Shelved
from coblyn.engine.window import NO_WINDOW, Window
from engine.machine import SCRIPT, Machine


def test_one_request() -> None:
    machine = Machine()
    machine.add("a", "hello")
    machine.run()
    assert machine.text("a") == SCRIPT[:10]
    finish = machine.finish("a")
    assert finish.reason == "length"
    assert (finish.stats.num_prompt, finish.stats.num_generated) == (5, 10)


def test_requests_join_while_others_run() -> None:
    machine = Machine()
    machine.add("a", "first", 20)
    machine.step()
    machine.step()
    machine.add("b", "second", 5)
    plan = machine.step()
    assert {row.request_id for row in plan.rows} == {"a", "b"}
    machine.run()
    assert machine.text("a") == SCRIPT[:20]
    assert machine.text("b") == SCRIPT[:5]


def test_a_long_prompt_is_read_in_chunks_between_the_steps_of_others() -> None:
    machine = Machine(busy_batch=32)
    machine.add("a", "short", 100)
    machine.step()
    machine.add("b", "x" * 300, 5)
    while not any(isinstance(e, Delta) and e.request_id == "b" for e in machine.events):
        plan = machine.step()
        assert plan.num_tokens <= 32
        assert any(row.request_id == "a" for row in plan.rows)


def test_alone_a_prompt_is_read_in_the_largest_chunks() -> None:
    machine = Machine(busy_batch=32)
    machine.add("a", "x" * 600)
    assert machine.step().num_tokens == machine.runner.max_batch


def test_progress_of_a_prompt_is_told() -> None:
    machine = Machine()
    machine.add("a", "x" * 600)
    machine.run()
    progress = [e.processed for e in machine.events if isinstance(e, Prefill)]
    assert progress == [0, 512]


def test_more_requests_than_places_wait_in_order() -> None:
    machine = Machine(max_running=2)
    for name in "abcd":
        machine.add(name, f"prompt {name}")
    machine.step()
    assert (machine.scheduler.num_running, machine.scheduler.num_waiting) == (2, 2)
    machine.run()
    order = [e.request_id for e in machine.events if isinstance(e, Finish)]
    assert order == ["a", "b", "c", "d"]


def test_the_same_prompt_again_computes_nothing_before_its_first_token() -> None:
    machine = Machine()
    machine.add("a", "the same old prompt")
    machine.run()
    machine.add("b", "the same old prompt")
    assert machine.step().num_tokens == 0
    machine.run()
    assert machine.text("b") == machine.text("a")
    assert machine.finish("b").stats.num_cached == len("the same old prompt")


def test_a_follow_up_computes_only_what_is_new() -> None:
    machine = Machine()
    machine.add("a", "x" * 100, 10)
    machine.run()
    machine.add("b", "x" * 100 + SCRIPT[:9] + "and more")
    # The last token of an answer is drawn, but never computed.
    assert machine.step().num_tokens == len("and more")
    machine.run()
    assert machine.finish("b").stats.num_cached == 109


def test_twins_read_their_prompt_once() -> None:
    machine = Machine()
    for name in "abc":
        machine.add(name, "y" * 400, 5)
    machine.run()
    computed = sum(plan.num_tokens for plan in machine.runner.history)
    assert computed == 400 + 3 * 4
    assert machine.text("c") == SCRIPT[:5]


def test_what_was_read_with_an_adapter_is_not_shared_without_it() -> None:
    machine = Machine()
    prompt = Tokens.of(b"x" * 200)
    for index in range(4):
        machine.add(str(index), Prompt((prompt,), SPACES[index % 2]))
        machine.run()
    assert [machine.finish(str(index)).stats.num_cached for index in range(4)] == [
        0,
        0,
        200,
        200,
    ]


def test_media_are_shared_as_a_whole_and_computed_as_a_whole() -> None:
    machine = Machine(busy_batch=16)
    machine.add("other", "z", 1000)
    machine.step()
    big = Media(b"map", 100, 10)
    prompt = (Tokens.of(b"x" * 20), big, Tokens.of(b"y" * 20))
    machine.add("a", Prompt(prompt))
    plans = [machine.step() for _ in range(12)]
    rows = [row for plan in plans for row in plan.rows if row.media]
    assert [(row.position, len(row.tokens), row.media) for row in rows] == [(20, 100, big)]
    machine.add("b", Prompt((*prompt[:2], Tokens.of(b"end"))))
    machine.add("c", Prompt((prompt[0], Media(b"cat", 100, 10), Tokens.of(b"end"))))
    while machine.num_finished < 3:
        machine.step()
    assert machine.finish("b").stats.num_cached == 120
    assert machine.finish("c").stats.num_cached == 20


def test_media_are_counted_from_the_beginning_of_their_text() -> None:
    machine = Machine()
    cat, dog = Media(b"cat", 9, 3), Media(b"dog", 9, 3)
    machine.add("a", Prompt((Tokens.of(b"x" * 20), cat, dog, Tokens.of(b"end"))))
    machine.add("b", Prompt((Tokens.of(b"x" * 20), cat, cat, Tokens.of(b"end"))))
    rows = []
    while machine.num_finished < 2:
        rows += machine.step().rows
    counted = {(row.media, row.num_media_before) for row in rows if row.media}
    assert counted == {(cat, 0), (dog, 1), (cat, 1)}


def test_an_unrelated_request_does_not_wait_for_twins() -> None:
    machine = Machine()
    machine.add("a", "y" * 900)
    machine.add("b", "y" * 900)
    machine.add("c", "other")
    plan = machine.step()
    assert [row.request_id for row in plan.rows] == ["a"]
    assert machine.scheduler.num_running == 2


def test_cancelling_frees_the_place_at_once() -> None:
    machine = Machine(max_running=1)
    machine.add("a", "first", 1000)
    machine.add("b", "second", 3)
    for _ in range(5):
        machine.step()
    machine.cancel("a")
    assert machine.finish("a").reason == "cancelled"
    assert machine.text("a") == SCRIPT[:5]
    assert {row.request_id for row in machine.step().rows} == {"b"}


def test_cancelling_in_the_queue_and_in_the_middle_of_a_prompt() -> None:
    machine = Machine(max_running=1)
    machine.add("a", "x" * 2000)
    machine.add("b", "waiting")
    machine.step()
    machine.cancel("b")
    machine.cancel("a")
    machine.cancel("nobody")
    assert {machine.finish(name).reason for name in "ab"} == {"cancelled"}
    assert not machine.scheduler.num_running


def test_the_end_token_ends_it_unless_ignored() -> None:
    machine = Machine(FakeRunner(script="end"))
    machine.add("a", "x", 50)
    machine.add("b", "y", 6, ignore_eos=True)
    machine.add("c", "z", 6, ban_eos=True)
    machine.run()
    assert (machine.text("a"), machine.finish("a").reason) == ("end", "eos")
    assert (machine.text("b"), machine.finish("b").reason) == ("end", "length")
    assert (machine.text("c"), machine.finish("c").reason) == ("end   ", "length")


def test_a_stop_string_ends_it() -> None:
    machine = Machine()
    machine.add("a", "x", 50, stop=("ef",))
    machine.run()
    assert machine.text("a") == "abcd"
    assert machine.finish("a").stop == "ef"


def test_the_context_ends_it() -> None:
    machine = Machine(FakeRunner(script=SCRIPT, repeats=True, context=40, num_cells=64))
    machine.add("a", "x" * 30, 100)
    machine.run()
    assert machine.text("a") == SCRIPT[:10]


def test_when_cells_run_out_the_youngest_gives_way_and_goes_on_later() -> None:
    runner = FakeRunner(script=SCRIPT, repeats=True, context=100, num_cells=100)
    machine = Machine(runner)
    machine.add("a", "a" * 30, 60)
    machine.add("b", "b" * 30, 60)
    machine.run()
    for name in "ab":
        assert machine.text(name) == SCRIPT[:60]
        assert machine.finish(name).stats.num_prompt == 30


def test_a_recurrent_model_never_forgets_a_part() -> None:
    machine = Machine(FakeRunner(script=SCRIPT, repeats=True, is_rewindable=False))
    machine.add("a", "x" * 50)
    machine.run()
    machine.add("b", "x" * 50)
    machine.add("c", "x" * 50 + SCRIPT[:9] + "!")
    machine.run()
    assert machine.finish("b").stats.num_cached == 0
    assert machine.finish("c").stats.num_cached == 59
    cuts = [
        op for plan in machine.runner.history for op in plan.operations if getattr(op, "start", 0)
    ]
    assert not cuts


def test_what_is_idle_makes_way_and_comes_back() -> None:
    """Idle cells would slow down running requests; a copy in main memory brings them back."""
    runner = FakeRunner(script=SCRIPT, repeats=True, shelf_tokens=1000)
    machine = Machine(runner)
    machine.add("a", "a" * 100, 10)
    machine.run()
    machine.rest()
    machine.add("b", "b" * 100, 10)
    machine.step()
    assert [len(tokens) for tokens in runner.held.values() if tokens] == [100]
    machine.run()
    machine.add("c", "a" * 100 + SCRIPT[:9] + "!")
    machine.run()
    assert machine.finish("c").stats.num_cached == 109
    machine.add("d", "b" * 100)
    machine.run()
    assert machine.finish("d").stats.num_cached == 100
    assert machine.text("d") == SCRIPT[:10]


def test_a_retry_of_what_is_saved_cuts_it_in_place() -> None:
    runner = FakeRunner(script=SCRIPT, repeats=True, shelf_tokens=1000)
    machine = Machine(runner)
    machine.add("a", "a" * 100, 10)
    machine.run()
    machine.rest()
    machine.add("b", "a" * 100, 10)
    assert machine.step().operations == (Remove(0, 100),)
    machine.run()
    assert machine.text("b") == machine.text("a")


def windowed(*, shares_cells: bool, **options: object) -> Machine:
    window = Window(20, min_stride=30)
    runner = FakeRunner(
        script=SCRIPT,
        repeats=True,
        shelf_tokens=2000,
        window=window,
        shares_cells=shares_cells,
        **options,  # type: ignore[arg-type]
    )
    return Machine(runner)


@pytest.mark.parametrize("shares_cells", [True, False])
def test_a_retry_and_an_edit_after_something_else_are_cheap_with_a_window(
    shares_cells: bool,
) -> None:
    """What was asked in between took all but the end of the window; copies at marks are still there."""
    machine = windowed(shares_cells=shares_cells)
    story = "a" * 200
    machine.add("a", story, 50)
    machine.run()
    machine.rest()
    machine.add("b", "b" * 100)
    machine.run()
    machine.add("retry", story)
    machine.run()
    assert machine.finish("retry").stats.num_cached == 200
    machine.add("c", "c" * 100)
    machine.run()
    machine.add("at the end", story + SCRIPT[:40] + "!")
    machine.run()
    assert machine.finish("at the end").stats.num_cached >= 240 - 30
    machine.add("d", "d" * 100)
    machine.run()
    machine.add("in the middle", story[:100] + "!")
    machine.run()
    assert machine.finish("in the middle").stats.num_cached >= 100 - 30


@pytest.mark.parametrize("shares_cells", [True, False])
def test_a_retry_in_place_computes_nothing_with_a_window(shares_cells: bool) -> None:
    machine = windowed(shares_cells=shares_cells)
    machine.add("a", "a" * 200, 50)
    machine.run()
    machine.rest()
    machine.add("edit", "a" * 200 + SCRIPT[:33] + "!")
    machine.run()
    assert machine.finish("edit").stats.num_cached == 233
    machine.add("retry", "a" * 200)
    machine.run()
    assert machine.finish("retry").stats.num_cached >= 199


@pytest.mark.parametrize("shares_cells", [True, False])
def test_a_prefix_beside_a_running_stream_is_shared_with_a_window(shares_cells: bool) -> None:
    machine = windowed(shares_cells=shares_cells)
    machine.add("a", "a" * 100 + "b" * 100, 50)
    for _ in range(10):
        machine.step()
    machine.add("b", "a" * 100 + "c" * 20)
    machine.run()
    assert machine.finish("b").stats.num_cached == 100
    assert machine.text("a") == SCRIPT[:50]


@pytest.mark.parametrize("shares_cells", [True, False])
def test_a_conversation_keeps_its_marks_from_turn_to_turn(shares_cells: bool) -> None:
    machine = windowed(shares_cells=shares_cells)
    text = "a" * 100
    for turn in range(6):
        machine.add(f"turn {turn}", text, 20)
        machine.run()
        assert turn == 0 or machine.finish(f"turn {turn}").stats.num_cached >= len(text) - 5
        text += machine.text(f"turn {turn}") + "user"
        machine.rest()
        machine.add(f"other {turn}", "o" * 50 + str(turn) * 20)
        machine.run()
    machine.add("edit", text[:150] + "!")
    machine.run()
    assert machine.finish("edit").stats.num_cached >= 150 - 60


def test_a_copy_that_exists_is_not_made_again() -> None:
    runner = FakeRunner(script=SCRIPT, repeats=True, shelf_tokens=1000)
    machine = Machine(runner)
    machine.add("a", "a" * 100, 10)
    machine.run()
    machine.rest()
    assert machine.scheduler.rest().operations == ()
    machine.add("b", "b" * 100, 10)
    assert not any(isinstance(operation, Save) for operation in machine.step().operations)


def test_the_shelf_forgets_the_longest_unused_and_what_a_longer_copy_contains() -> None:
    shelf = Shelf(25)
    first, _ = shelf.add(Shelved(Content.of(Prompt.of([1] * 10))))
    second, _ = shelf.add(Shelved(Content.of(Prompt.of([2] * 10))))
    assert first is not None
    assert second is not None
    shelf.touch(first)
    assert shelf.add(Shelved(Content.of(Prompt.of([3] * 5))))[1] == []
    assert shelf.add(Shelved(Content.of(Prompt.of([4] * 5))))[1] == [Discard(second)]
    longer, discarded = shelf.add(Shelved(Content.of(Prompt.of([1] * 12))))
    assert discarded == [Discard(first)]
    assert longer in shelf
    assert shelf.add(Shelved(Content.of(Prompt.of([5] * 26)))) == (None, [])


MEDIA = (
    Media(b"cat", 9, 3),
    Media(b"dog", 9, 3),
    Media(b"dog", 9, 9),
    Media(b"dot", 1, 1),
    Media(b"big", 60, 12),
)
SPACES = (
    Namespace(),
    Namespace(adapters=(Adapter("a", 0.5),)),
    Namespace(adapters=(Adapter("a", 0.5), Adapter("b"))),
)


def spans(prefix: str, media: list[Media], rest: str) -> tuple[Span, ...]:
    """Text, media and text, that fit into a context of 130 cells."""
    while (room := 129 - len(prefix) - sum(each.cells for each in media)) < 1:
        media = media[1:]
    return Tokens.of(prefix.encode()), *media, Tokens.of(rest[:room].encode())


jobs = st.lists(
    st.tuples(
        st.sampled_from(SPACES),
        st.lists(st.sampled_from(MEDIA), max_size=2),
        st.sampled_from(["", "x" * 40, "x" * 40 + "y" * 30]),
        st.text("xyz", min_size=1, max_size=60),
        st.integers(1, 60),
        st.integers(0, 30),
        st.booleans(),
    ),
    min_size=1,
    max_size=12,
)


@settings(deadline=None, max_examples=150)
@given(
    jobs,
    st.integers(130, 400),
    st.integers(1, 5),
    st.sampled_from([0, 100, 1000]),
    st.booleans(),
    st.integers(1, 8),
    st.booleans(),
    st.sampled_from(
        [NO_WINDOW, Window(7, min_stride=11), Window(16, is_chunked=True, min_stride=5)]
    ),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_whatever_comes_everybody_gets_the_right_text(
    work: list[tuple[Namespace, list[Media], str, str, int, int, bool]],
    num_cells: int,
    max_running: int,
    shelf_tokens: int,
    is_rewindable: bool,
    most_steps: int,
    stops: bool,
    window: Window,
    shares_cells: bool,
    takes_masked: bool,
    speculates: bool,
) -> None:
    """Few cells, shared prefixes, media, adapters, guesses, late arrivals: all get their own text, in the end."""
    stop = (SCRIPT[6:8],) if stops else ()
    runner = FakeRunner(
        script=SCRIPT,
        repeats=True,
        context=130,
        num_cells=num_cells,
        max_batch=48,
        max_sequences=8,
        shelf_tokens=shelf_tokens,
        is_rewindable=is_rewindable,
        most_steps=most_steps,
        window=window if is_rewindable else NO_WINDOW,
        shares_cells=shares_cells,
        takes_masked=takes_masked,
    )
    machine = Machine(runner, max_running=max_running, busy_batch=16, speculates=speculates)
    for index, (space, media, prefix, rest, count, delay, cancels) in enumerate(work):
        machine.add(str(index), Prompt(spans(prefix, media, rest), space), count, stop=stop)
        for _ in range(delay):
            if machine.scheduler.has_work:
                machine.step()
            else:
                machine.rest()
        if cancels:
            machine.cancel(str(index))
    machine.run(limit=20_000)
    for index, (_, media, prefix, rest, count, _, cancels) in enumerate(work):
        length = min(count, 130 - sum(span.cells for span in spans(prefix, media, rest)))
        text = machine.text(str(index))
        if cancels:
            assert SCRIPT.startswith(text)
        elif stops:
            assert text == SCRIPT[: length if length < 8 else 6]
        else:
            assert text == SCRIPT[:length]
        machine.finish(str(index))
