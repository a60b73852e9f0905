"""Small vocabularies for tests: every byte, some longer pieces, an end."""

from __future__ import annotations

from functools import cache

import numpy as np
from llguidance import LLTokenizer
from numpy.typing import NDArray

from coblyn.constraints.constraint import Constraint
from coblyn.constraints.grammar import matcher_of
from coblyn.constraints.lazy import LazyMatcher
from coblyn.constraints.matcher import Matcher, mask_words
from coblyn.constraints.vocabulary import Vocabulary, make_tokenizer

LONGER = (b"ab", b"ba", b"aab", b"xa", b'":', b'{"', b"tru", b"123", b"\xe3\x81", b"hello", b"yay")
PIECES = (*(bytes([byte]) for byte in range(256)), *LONGER, b"<end>")
END = len(PIECES) - 1


def vocabulary() -> Vocabulary:
    return Vocabulary(PIECES, [END], [END], lambda text: list(text.encode()))


@cache
def tokenizer() -> LLTokenizer:
    return make_tokenizer(vocabulary())


def matcher(constraint: Constraint) -> Matcher:
    return matcher_of(tokenizer(), constraint)


def allowed(one: Matcher | LazyMatcher) -> set[int]:
    """The tokens that may come next."""
    words = np.zeros(mask_words(len(PIECES)), np.uint32)
    one.fill(words)
    return allowed_by(words)


def allowed_by(words: NDArray[np.uint32]) -> set[int]:
    """The tokens whose bits are set."""
    bits = np.unpackbits(words.view(np.uint8), bitorder="little")[: len(PIECES)]
    return set(np.flatnonzero(bits).tolist())


def accepts(constraint: Constraint, text: str) -> bool:
    """Whether a whole text satisfies a constraint, byte by byte, by its masks."""
    one = matcher(constraint)
    for byte in text.encode():
        if byte not in allowed(one):
            return False
        one.accept(byte)
    return END in allowed(one)
