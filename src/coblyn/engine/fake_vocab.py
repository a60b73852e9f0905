"""The vocabulary of the fake runner: the 256 bytes, and two special tokens."""

from __future__ import annotations

from coblyn.constraints.vocabulary import Vocabulary
from coblyn.engine.token_texts import TokenTexts

__all__ = ["BOS", "END", "FakeVocab", "vocabulary"]

BOS = 256
END = 257

_TEXTS = TokenTexts(bytes((byte,)) for byte in range(BOS))
_SPECIAL = {BOS: b"<bos>", END: b"<end>"}


class FakeVocab:
    """Bytes as tokens, with ``<bos>`` and ``<end>`` as special ones."""

    end_tokens = frozenset((END,))
    size = END + 1

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> list[int]:
        """One token per byte; ``<end>`` in the text is one token if ``parse_special``."""
        tokens = [BOS] if add_special else []
        parts = text.split("<end>") if parse_special else [text]
        for index, part in enumerate(parts):
            tokens += [END] * (index > 0)
            tokens += part.encode()
        return tokens

    def piece(self, token: int, *, special: bool = False) -> bytes:
        """The byte, or the name of a special token if ``special``."""
        if token < BOS:
            return bytes((token,))
        return _SPECIAL[token] if special else b""

    def is_end(self, token: int) -> bool:
        """Whether it is the end token."""
        return token == END

    def containing(self, text: str) -> tuple[int, ...]:
        """The bytes whose character is a text, ignoring case."""
        return _TEXTS.containing(text)


def vocabulary() -> Vocabulary:
    """The same vocabulary for constraints."""
    vocab = FakeVocab()
    pieces = [vocab.piece(token, special=True) for token in range(END + 1)]
    return Vocabulary(pieces, [BOS, END], [END], lambda text: list(text.encode()))
