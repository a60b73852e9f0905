"""One of the sequences that a generation is computed in: its own, or that of its guide."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from coblyn.engine.content import Content

__all__ = ["Guide", "Track"]


class Track(Protocol):
    """Tokens, and how many of them are computed.

    Attributes:
        content: Its tokens: those of the prompt, and those that were drawn.
        sequence: Where it is computed.
        computed: Tokens of its content that are.
        replays: Whether the logits at the end of its prompt are kept from before.
        prompt_length: Tokens of its prompt.
    """

    content: Content
    sequence: int
    computed: int
    replays: bool
    prompt_length: int

    @property
    def num_pending(self) -> int:
        """Tokens that it has and that are not computed."""
        ...


@dataclass(slots=True, eq=False)
class Guide:
    """What a generation is guided away from: the same text behind a negative prompt. A ``Track``."""

    content: Content
    sequence: int = -1
    computed: int = 0
    replays: bool = False
    prompt_length: int = field(init=False)

    def __post_init__(self) -> None:
        self.prompt_length = len(self.content)

    @property
    def num_pending(self) -> int:
        """Tokens that it has and that are not computed."""
        return len(self.content.cells) - self.computed
