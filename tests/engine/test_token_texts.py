"""Tokens are found by a part of their text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coblyn.engine.token_texts import TokenTexts

PIECES = [b"a", b" a", b"Bc", b"", b"abca", b"\xe7\x81", "灯火".encode(), b" ", b"C"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a", (0, 1, 4)),
        (" ", (1, 7)),
        ("bC", (2, 4)),
        ("c", (2, 4, 8)),
        ("灯", (6,)),
        ("", ()),
        ("ca ", ()),
        ("\ufffd", ()),
    ],
)
def test_each_token_that_contains_a_text_is_found_once(text: str, found: tuple[int, ...]) -> None:
    texts = TokenTexts(PIECES)
    assert texts.containing(text) == found
    assert texts.containing(text) == found, "also when it is asked again"


@given(
    st.lists(st.text("abA\n", max_size=4), max_size=20), st.text("abA\n", min_size=1, max_size=3)
)
@settings(deadline=None, max_examples=50)
def test_it_finds_what_a_search_in_each_finds(pieces: list[str], text: str) -> None:
    expected = [n for n, piece in enumerate(pieces) if text.lower() in piece.lower()]
    assert list(TokenTexts(map(str.encode, pieces)).containing(text)) == expected
