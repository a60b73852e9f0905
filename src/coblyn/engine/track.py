"""A sequence of a generation: its own, or that of its guide."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from coblyn.engine.content import Content

__all__ = ["Guide", "Track"]


class Track(Protocol):
    """The content of a sequence, and how much of it is computed.

    Attributes:
        content: Its tokens: those of the prompt, and those drawn.
        sequence: Sequence id that it is computed in.
        computed: Number of cells of its content that are computed.
        replays: Whether the logits at the end of its prompt are kept from an earlier request.
        num_prompt: Length of its prompt in cells.
    """

    content: Content
    sequence: int
    computed: int
    replays: bool
    num_prompt: int

    @property
    def num_pending(self) -> int:
        """Number of its cells that are not computed yet."""
        ...


@dataclass(slots=True, eq=False)
class Guide:
    """The negative sequence of a guided generation: its text after the negative prompt. A ``Track``."""

    content: Content
    sequence: int = -1
    computed: int = 0
    replays: bool = False
    num_prompt: int = field(init=False)

    def __post_init__(self) -> None:
        self.num_prompt = len(self.content)

    @property
    def num_pending(self) -> int:
        """Number of its cells that are not computed yet."""
        return len(self.content.cells) - self.computed
