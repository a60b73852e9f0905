"""Keys are found in texts as by a search for each."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from coblyn.story.lore.standing import Standing

SHORT = st.text("abä ", max_size=20)


@given(st.lists(SHORT), st.lists(SHORT), st.lists(st.text("abä ", max_size=60), max_size=3))
def test_many_questions_are_answered_as_a_search_would(
    keys: list[str], others: list[str], texts: list[str]
) -> None:
    standing = Standing(keys)
    for _ in range(70):
        for text in texts:
            for key in (*keys[:3], *others[:1]):
                assert standing.has(text, key) == (key in text)
    for text in texts:
        assert [standing.has(text, key) for key in (*keys, *others)] == [
            key in text for key in (*keys, *others)
        ]


def test_a_key_that_begins_as_another_does_is_not_that_one() -> None:
    text = "the lamp of the old lighthouse keeper"
    keys = ["the lamp of the old lighthouse", "the lamp of the old well", "", "lamp"]
    standing = Standing(keys)
    for _ in range(100):
        assert [standing.has(text, key) for key in keys] == [True, False, True, True]
