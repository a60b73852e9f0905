from __future__ import annotations

import numpy as np
import pytest

from coblyn.constraints.token_list import TokenList
from coblyn.errors import ConstraintRefused, EngineError


def allowed(tokens: TokenList) -> list[int]:
    words = np.full(3, 0xFFFFFFFF, np.uint32)
    tokens.fill(words)
    return [token for token in range(96) if words[token // 32] >> np.uint32(token % 32) & 1]


def test_one_token_is_allowed_at_each_place() -> None:
    tokens = TokenList("[5, 63, 64]", 70)
    seen = []
    while not tokens.is_over:
        (token,) = allowed(tokens)
        tokens.accept(token)
        seen.append(token)
    assert seen == [5, 63, 64]
    assert allowed(tokens) == []
    tokens.rewind(2)
    assert allowed(tokens) == [63]


def test_another_token_is_refused() -> None:
    tokens = TokenList("[5]", 70)
    with pytest.raises(EngineError):
        tokens.accept(6)
    tokens.accept(5)
    with pytest.raises(EngineError):
        tokens.accept(5)


@pytest.mark.parametrize("text", ["", "[]", "{}", "[70]", "[-1]", '["a"]', "[true]", "5"])
def test_what_is_no_list_of_tokens_is_refused(text: str) -> None:
    with pytest.raises(ConstraintRefused):
        TokenList(text, 70)
