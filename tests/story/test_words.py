from __future__ import annotations

import pytest

from coblyn.story.words import num_words


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("", 0),
        ("  She lit\nthe lamp. ", 4),
        ("灯灭了", 3),
        ("她点亮 Lamp走了", 6),
        ("\U00020000あア", 3),
        ("ｶﾀｶﾅ・ラー", 7),
        ("\0\ud800 x", 2),
        ("one\u3000two\u00a0three\x85four\u2028five", 5),
        ("“灯”—“lamp”。", 3),
    ],
)
def test_words_are_counted_and_signs_where_there_are_no_spaces(text: str, number: int) -> None:
    assert num_words(text) == number
