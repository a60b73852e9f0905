"""How long a text is for its reader."""

from __future__ import annotations

import regex

__all__ = ["num_words"]

_SIGNS = regex.compile(r"[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]")


def num_words(text: str) -> int:
    """Words; each sign of Chinese and Japanese counts as one, as the page counts them."""
    if text.isascii():
        return len(text.split())
    rest, num_signs = _SIGNS.subn(" ", text)
    return int(num_signs) + len(rest.split())
