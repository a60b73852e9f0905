"""How long a text is for its reader."""

from __future__ import annotations

import regex

__all__ = ["num_words"]

_SIGNS = r"\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}"
_WORDS = regex.compile(rf"[{_SIGNS}]|[^\s{_SIGNS}]+")


def num_words(text: str) -> int:
    """Words; each sign of Chinese and Japanese counts as one, as the page counts them."""
    return sum(1 for _ in _WORDS.finditer(text))
