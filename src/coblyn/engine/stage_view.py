"""What is left of the next token's candidates after a sampler, as values."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Candidate", "StageView"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A token that could be drawn, and its probability, 0 to 1."""

    token: int
    piece: bytes
    probability: float


@dataclass(frozen=True, slots=True)
class StageView:
    """What is left after a sampler.

    Attributes:
        name: Of the sampler, or ``guidance``; ``model`` before any of them.
        values: Its numbers by their names.
        num_candidates: Tokens that could be drawn.
        candidates: The most likely of them, best first.
    """

    name: str
    values: dict[str, float]
    num_candidates: int
    candidates: tuple[Candidate, ...]
