"""Tokens are found by their bytes."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given

from coblyn.constraints.lexicon import Lexicon
from coblyn.constraints.vocabulary import Vocabulary


@given(st.lists(st.text("ab<", max_size=5), min_size=1), st.text("ab<", min_size=1, max_size=3))
def test_tokens_that_hold_a_text_and_continue(texts: list[str], held: str) -> None:
    pieces = [text.encode() for text in texts]
    lexicon = Lexicon(Vocabulary(pieces, [], [], lambda text: list(text.encode())))
    continuing = {
        token for token, text in enumerate(texts) if 0 <= text.find(held) < len(text) - len(held)
    }
    assert lexicon.holding(held.encode()) == continuing
    assert lexicon.holding(held.encode()) is lexicon.holding(held.encode())
