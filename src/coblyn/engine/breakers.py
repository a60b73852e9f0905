"""DRY's sequence breakers as token sequences. A breaker's text need not coincide with token boundaries."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence

from coblyn.engine.interface import Vocab

__all__ = ["MAX_BREAKER", "Breakers"]

MAX_BREAKER = 40
"""Maximum number of bytes of a breaker that are used, as in KoboldCPP; a character is not cut in two."""

_MAX_TAIL = 20
"""Maximum number of tokens of a breaker after its first one, as in KoboldCPP."""

_MAX_KNOWN = 1024
"""Number of breakers whose sequences are cached."""

_END = b"\xff"
"""Separates the tokens' texts; it cannot occur in UTF-8."""


class Breakers:
    """Finds the tokens that break a repetition.

    A token breaks it if its text contains the whole breaker. If it does not, but ends with the beginning of the
    breaker, it breaks it together with the tokens of the rest.

    Names of special tokens may be breakers.

    Args:
        vocab: The model's vocabulary.
        vocab_size: Number of its tokens.
    """

    def __init__(self, vocab: Vocab, vocab_size: int) -> None:
        self._vocab = vocab
        # All tokens in one long text, so that searching it is a loop in C. Tokens that are not UTF-8 are left out.
        self._starts: list[int] = []
        parts, length = [], 0
        for token in range(vocab_size):
            piece = vocab.piece(token, special=True)
            self._starts.append(length)
            part = (b"" if _END in piece else piece) + _END
            parts.append(part)
            length += len(part)
        self._text = b"".join(parts)
        self._known: dict[str, tuple[tuple[int, ...], ...]] = {}

    def sequences(self, texts: Sequence[str]) -> tuple[tuple[int, ...], ...]:
        """All token sequences that break a repetition."""
        return tuple(dict.fromkeys(part for text in texts for part in self._of(_cut(text))))

    def _of(self, text: str) -> tuple[tuple[int, ...], ...]:
        if text not in self._known:
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            self._known[text] = tuple(self._find(text)) if text else ()
        return self._known[text]

    def _find(self, text: str) -> list[tuple[int, ...]]:
        whole = dict.fromkeys(self._tokens_with(re.escape(text.encode())))
        found: list[tuple[int, ...]] = [(token,) for token in whole]
        for cut in range(1, len(text)):
            head, rest = text[:cut].encode(), text[cut:]
            tail = self._tokens_of(rest)
            if tail:
                heads = self._tokens_with(re.escape(head) + _END)
                found += [(token, *tail) for token in heads if token not in whole]
        return found

    def _tokens_of(self, text: str) -> tuple[int, ...]:
        tokens = self._vocab.tokenize(text, add_special=False, parse_special=True)
        return tuple(tokens[:_MAX_TAIL])

    def _tokens_with(self, pattern: bytes) -> list[int]:
        places = (match.start() for match in re.finditer(pattern, self._text))
        return list(dict.fromkeys(bisect_right(self._starts, place) - 1 for place in places))


def _cut(text: str) -> str:
    return text.encode()[:MAX_BREAKER].decode(errors="ignore")
