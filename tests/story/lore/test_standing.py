"""Keys are found in texts as by a search for each."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coblyn.story.lore.standing import Keys, Standing, find

MANY = [f"{number:04}" for number in range(9000)]
LETTERS = "abä_ "
KEY = st.text(LETTERS, min_size=1, max_size=20)
LINES = st.lists(st.text(LETTERS, max_size=60), min_size=1, max_size=4)


@given(st.text(LETTERS, min_size=1, max_size=3), st.text(LETTERS, max_size=60))
def test_a_word_has_no_letter_beside_it(key: str, text: str) -> None:
    word = re.compile(f"(?:^|[^A-Za-z0-9_]){re.escape(key)}(?:$|[^A-Za-z0-9_])")
    assert (find(text, key, is_word=True) >= 0) == bool(word.search(text))


@pytest.mark.parametrize("further", [[], MANY])
@given(keys=st.lists(KEY), others=st.lists(KEY, max_size=3), lines=LINES)
def test_a_growing_text_is_searched_as_a_whole(
    further: list[str], keys: list[str], others: list[str], lines: list[str]
) -> None:
    standing, text, ends = Standing(Keys([*keys, *further])), "", [0]
    for line in lines:
        standing.grow(f"\n{line}")
        text += f"\n{line}"
        ends.append(len(text))
        for key in (*keys, *others, *further[:65]):
            for is_word in (True, False):
                for end in (ends[-1], ends[-2]):
                    assert standing.find(key, is_word, end) == find(text[:end], key, is_word)


def test_a_key_that_begins_as_another_does_is_not_that_one() -> None:
    text = "\nthe lamp of the old lighthouse keeper"
    keys = ["the lamp of the old lighthouse", "the lamp of the old well", "lamp"]
    standing = Standing(Keys([*keys, *MANY]))
    standing.grow(text)
    for _ in range(100):
        assert [standing.find(key, False, len(text)) for key in keys] == [1, -1, 5]


def test_a_pass_for_all_keys_is_made_for_large_books_only() -> None:
    """It takes as long as a search for hundreds of keys of each length."""
    assert Keys(MANY).are_many
    assert not Keys(MANY[:200]).are_many
    assert not Keys("x" * (1 + number % 16) + f"{number:05}" for number in range(4000)).are_many
