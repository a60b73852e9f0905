from __future__ import annotations

import pytest

from coblyn.errors import PromptTooLong
from coblyn.service.window import longest_completion, require_room, shrunk


def test_a_length_that_nobody_asked_for_takes_little_from_a_prompt() -> None:
    assert shrunk(2048, 4096) == 128
    assert shrunk(100, 4096) == 100
    assert shrunk(100, 20) == 1


def test_completion_leaves_a_fifth_to_the_prompt() -> None:
    assert longest_completion(1000) == 800
    assert longest_completion(50) == 34
    assert longest_completion(4) >= 1


def test_room_is_refused_with_numbers() -> None:
    assert require_room(10, 15) == 5
    for num in (15, 16):
        with pytest.raises(PromptTooLong, match=f"15 tokens.*{num} tokens"):
            require_room(num, 15)
