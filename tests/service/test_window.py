from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coblyn.errors import PromptTooLong
from coblyn.service.window import longest_completion, require_room, trim_below_memory, trim_front

BOS = [1]


def test_prompt_that_fits_stays() -> None:
    assert trim_front([1, 5, 6], BOS, context=10, max_tokens=7) == [1, 5, 6]


def test_prompt_that_does_not_fit_loses_its_front_and_keeps_bos() -> None:
    assert trim_front([1, 5, 6, 7, 8], BOS, context=10, max_tokens=7) == [1, 7, 8]
    assert trim_front([5, 6, 7, 8], [], context=10, max_tokens=7) == [6, 7, 8]


def test_memory_survives_on_top() -> None:
    kept = trim_below_memory([1, 2, 3], list(range(10, 30)), BOS, context=20, max_tokens=10)
    assert kept == [1, 2, 3, *range(24, 30)]


def test_memory_that_fills_everything_loses_its_own_front() -> None:
    memory = [1, *range(100, 130)]
    kept = trim_below_memory(memory, [7, 8, 9, 10, 11], BOS, context=20, max_tokens=10)
    assert kept == [1, 125, 126, 127, 128, 129, 9, 10, 11]


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
    kept = trim_below_memory(BOS + memory, prompt, BOS, context=context, max_tokens=limit)
    assert len(kept) + limit <= context
    assert kept[0] == 1
    newest = [token for token in kept if token >= 10]
    assert newest == prompt[len(prompt) - len(newest) :]
    assert prompt == newest or len(kept) + limit >= context - 1


def test_completion_leaves_a_fifth_to_the_prompt() -> None:
    assert longest_completion(1000) == 800
    assert longest_completion(50) == 34
    assert longest_completion(4) >= 1


def test_room_is_refused_with_numbers() -> None:
    assert require_room(10, 15) == 5
    for num in (15, 16):
        with pytest.raises(PromptTooLong, match=f"{num} tokens.*15 tokens"):
            require_room(num, 15)
