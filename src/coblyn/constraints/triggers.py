"""Where the constrained part of a text begins that is free until then."""

from __future__ import annotations

from collections.abc import Iterator

from coblyn.constraints.lexicon import Lexicon

__all__ = ["Triggers"]


class Triggers:
    """The texts from which on a constraint holds. They are looked for in bytes, wherever tokens begin and end.

    Args:
        texts: At least one; none is empty.
        is_included: The constrained part begins with the trigger, not behind it.
    """

    def __init__(self, texts: tuple[str, ...], *, is_included: bool) -> None:
        # Of those that end at the same place the longest counts.
        self._texts = sorted({text.encode() for text in texts}, key=len, reverse=True)
        self._is_included = is_included

    def begun(self, tail: bytes, piece: bytes) -> bytes | None:
        """What a piece of text writes of the constrained part; None if that has not begun with its end.

        Args:
            tail: What ``tail`` gave for the text before the piece.
            piece: The bytes of a token.
        """
        text = tail + piece
        found = [(at + len(each), each) for each in self._texts if (at := text.find(each)) >= 0]
        if not found:
            return None
        end, trigger = min(found, key=lambda hit: hit[0])
        return (trigger if self._is_included else b"") + text[end:]

    def tail(self, text: bytes) -> bytes:
        """The end of a text without a trigger, as much of it as a trigger may begin with."""
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
        """The tokens that end a trigger behind a tail and go on; some may come twice.

        Those that hold a trigger whole are not among them: ``holding`` has them.
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

    def holding(self, lexicon: Lexicon) -> Iterator[int]:
        """The tokens that hold a trigger whole and go on behind it; some may come twice."""
        for each in self._texts:
            yield from (
                token
                for token, piece in enumerate(lexicon.pieces)
                if 0 <= piece.find(each) < len(piece) - len(each)
            )
