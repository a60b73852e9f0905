from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from coblyn.engine.trim import trim_below_memory, trim_front
from coblyn.service.window import longest_completion

BOS = [1]


def test_prompt_that_fits_stays() -> None:
    assert trim_front([1, 5, 6], BOS, 3) == [1, 5, 6]


def test_prompt_that_does_not_fit_loses_its_front_and_keeps_bos() -> None:
    assert trim_front([1, 5, 6, 7, 8], BOS, 3) == [1, 7, 8]
    assert trim_front([5, 6, 7, 8], [], 3) == [6, 7, 8]


def test_memory_survives_on_top() -> None:
    kept = trim_below_memory([1, 2, 3], list(range(10, 30)), BOS, 10)
    assert kept == [1, 2, 3, *range(24, 30)]


def test_memory_that_fills_everything_loses_its_own_front() -> None:
    memory = [1, *range(100, 130)]
    kept = trim_below_memory(memory, [7, 8, 9, 10, 11], BOS, 10)
    assert kept == [1, 125, 126, 127, 128, 129, 9, 10, 11]


@settings(deadline=None)
@given(
    memory=st.lists(st.integers(2, 9), max_size=60),
    prompt=st.lists(st.integers(10, 19), max_size=60),
    context=st.integers(32, 64),
    wanted=st.integers(1, 100),
)
def test_what_is_kept_always_fits(
    memory: list[int], prompt: list[int], context: int, wanted: int
) -> None:
    limit = min(wanted, longest_completion(context))
    kept = trim_below_memory(BOS + memory, prompt, BOS, context - limit)
    assert len(kept) + limit <= context
    assert kept[0] == 1
    newest = [token for token in kept if token >= 10]
    assert newest == prompt[len(prompt) - len(newest) :]
    assert prompt == newest or len(kept) + limit >= context - 1
