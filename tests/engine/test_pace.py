"""Text that comes faster than a screen shows it is joined; nothing is lost, reordered or held for long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coblyn.engine.events import Delta, Event, Finish, Prefill, Stats, TokenText
from coblyn.engine.pace import Pace


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def delta(text: str, request_id: str = "a") -> Delta:
    return Delta(request_id, text, (TokenText(ord(text), text.encode()),))


def finish(request_id: str = "a") -> Finish:
    return Finish(request_id, "length", Stats())


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pace(clock: Clock) -> Pace:
    return Pace(clock, frame=0.016)


def step(pace: Pace, clock: Clock, seconds: float, *events: Event) -> list[str]:
    clock.now += seconds
    return [event.text if isinstance(event, Delta) else "." for event in pace.after_step(events)]


def test_quick_text_is_joined_behind_the_first_token(pace: Pace, clock: Clock) -> None:
    sent = [step(pace, clock, 0.007, delta(text)) for text in "abcdefg"]
    assert sent == [["a"], [], [], ["bcd"], [], [], ["efg"]]
    assert step(pace, clock, 0.007, delta("h")) == []
    assert step(pace, clock, 0.007, delta("i"), finish()) == ["hi", "."]


def test_slow_text_never_waits(pace: Pace, clock: Clock) -> None:
    assert [step(pace, clock, 0.017, delta(text)) for text in "abcd"] == [
        ["a"],
        ["b"],
        ["c"],
        ["d"],
    ]


def test_tokens_are_joined_with_their_text(pace: Pace, clock: Clock) -> None:
    for text in "abc":
        step(pace, clock, 0.001, delta(text))
    (joined,) = pace.release(())
    assert isinstance(joined, Delta)
    assert [token.piece for token in joined.tokens] == [b"b", b"c"]


def test_what_waits_goes_before_progress_of_another(pace: Pace, clock: Clock) -> None:
    """A long prompt's step takes far longer than a frame: its admission and its progress let the text go."""
    step(pace, clock, 0.001, delta("a"))
    assert step(pace, clock, 0.001, delta("b")) == []
    assert [type(event) for event in pace.release([Prefill("x", 500, 0, 0)])] == [Delta, Prefill]
    assert pace.release(()) == ()
    assert step(pace, clock, 0.001, delta("c"), Prefill("x", 500, 0, 128)) == ["c", "."]


def test_the_first_token_of_another_request_takes_along_what_waits(
    pace: Pace, clock: Clock
) -> None:
    step(pace, clock, 0.001, delta("a"))
    step(pace, clock, 0.001, delta("b"))
    assert step(pace, clock, 0.001, delta("c"), delta("x", "other")) == ["bc", "x"]


def test_a_request_that_ended_has_a_first_token_again(pace: Pace, clock: Clock) -> None:
    step(pace, clock, 0.001, delta("a"))
    step(pace, clock, 0.001, finish())
    assert step(pace, clock, 0.001, delta("a")) == ["a"]


EVENTS = st.one_of(
    st.builds(delta, st.sampled_from("xyz"), st.sampled_from("abc")),
    st.builds(finish, st.sampled_from("abc")),
    st.builds(Prefill, st.sampled_from("abc"), st.just(9), st.just(0), st.integers(0, 9)),
)


@given(st.lists(st.tuples(st.floats(0, 0.03), st.lists(EVENTS, max_size=4))))
def test_nothing_is_lost_and_each_request_keeps_its_order(
    steps: list[tuple[float, list[Event]]],
) -> None:
    clock = Clock()
    pace = Pace(clock, frame=0.016)
    given, sent = [], []
    for seconds, events in steps:
        clock.now += seconds
        given += events
        sent += pace.after_step(events)
    sent += pace.release(())
    for request_id in "abc":
        assert flat(sent, request_id) == flat(given, request_id)


def flat(events: list[Event], request_id: str) -> list[object]:
    """Events of a request, with its text letter by letter."""
    found: list[object] = []
    for event in events:
        if event.request_id == request_id:
            found += event.text if isinstance(event, Delta) else [event]
    return found
