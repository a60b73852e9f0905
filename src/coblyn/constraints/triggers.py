"""Finds the triggers at which constrained parts of a text begin."""

from __future__ import annotations

from collections.abc import Iterator

from coblyn.constraints.lexicon import Lexicon

__all__ = ["Triggers"]


class Triggers:
    """The trigger texts, found in bytes regardless of token boundaries.

    Args:
        texts: At least one; none is empty.
        is_included: Whether the constrained part begins with the trigger, not after it.
    """

    def __init__(self, texts: tuple[str, ...], *, is_included: bool) -> None:
        # Of triggers that end at the same place, the longest counts.
        self._texts = sorted({text.encode() for text in texts}, key=len, reverse=True)
        self._is_included = is_included

    def begun(self, tail: bytes, piece: bytes) -> bytes | None:
        """The bytes of a piece that belong to the constrained part; None if it has not begun by the piece's end.

        Args:
            tail: The result of ``tail`` for the text before the piece.
            piece: The bytes of a token.
        """
        text = tail + piece
        found = [(at + len(each), each) for each in self._texts if (at := text.find(each)) >= 0]
        if not found:
            return None
        end, trigger = min(found, key=lambda hit: hit[0])
        return (trigger if self._is_included else b"") + text[end:]

    def tail(self, text: bytes) -> bytes:
        """The end of a text without a trigger that may begin a trigger."""
        longest = max(
            (
                length
                for each in self._texts
                for length in range(1, len(each))
                if text.endswith(each[:length])
            ),
            default=0,
        )
        return text[len(text) - longest :]

    def crossing(self, tail: bytes, lexicon: Lexicon) -> Iterator[int]:
        """The tokens that complete a trigger after a tail and continue; may contain duplicates.

        Tokens that contain a whole trigger are not included; see ``holding``.
        """
        for each in self._texts:
            for length in range(1, len(each)):
                if tail.endswith(each[:length]):
                    rest = each[length:]
                    yield from (
                        token
                        for token in lexicon.starting_with(rest)
                        if len(lexicon.pieces[token]) > len(rest)
                    )

    def holding(self, lexicon: Lexicon) -> frozenset[int]:
        """The tokens that contain a whole trigger and continue after it."""
        return frozenset[int]().union(*map(lexicon.holding, self._texts))
