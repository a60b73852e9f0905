"""How long a text is for its reader."""

from __future__ import annotations

import re

__all__ = ["num_words"]

_SIGNS = "\u3005-\u3007\u3021-\u3029\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_WORDS = re.compile(rf"[{_SIGNS}]|[^\s{_SIGNS}]+")


def num_words(text: str) -> int:
    """Words; each sign of Chinese and Japanese counts as one, as the page counts them."""
    return sum(1 for _ in _WORDS.finditer(text))
