"""Which tokens would write what a pattern bans, looked for in the vocabulary before they are drawn."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from coblyn.engine.interface import Vocab
from coblyn.engine.text import TextStream

__all__ = ["PATIENCE", "Survey"]

PATIENCE = 8
"""How many tokens are banned at a place before others are looked for: most patterns are avoided at once."""

_MAX_WORK = 4000
"""Characters tried in one go, which takes some milliseconds. It is no time, so that a seed gives one text."""


@dataclass(slots=True)
class Survey:
    """Reads the vocabulary part by part, at one place of a text.

    Attributes:
        place: The place, in cells.
        num_read: Number of tokens that were read, from the first id on.
        free: Those of them whose text is not known to be banned.
    """

    place: int
    num_read: int = 0
    free: list[int] = field(default_factory=list)

    def read_on(self, text: TextStream, vocab: Vocab) -> list[int]:
        """Read the next part of the vocabulary, and give its tokens that would write what is banned.

        Args:
            text: The text up to the place.
            vocab: The model's vocabulary.
        """
        banned: list[int] = []
        work = 0
        while work < _MAX_WORK and self.num_read < vocab.size:
            token, self.num_read = self.num_read, self.num_read + 1
            is_banned, cost = text.would_ban(vocab.piece(token))
            work += cost
            if is_banned:
                banned.append(token)
            elif cost:
                self.free.append(token)
        return banned

    def is_dead_end(self, banned: AbstractSet[int], vocab: Vocab) -> bool:
        """Whether every token that has a text is banned."""
        return self.num_read == vocab.size and all(token in banned for token in self.free)
