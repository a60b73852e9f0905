"""The candidates for the next token after a sampler."""

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
    """The candidates that a sampler leaves.

    Attributes:
        name: Name of the sampler, or ``guidance``; ``model`` before all samplers.
        values: Its parameters by name.
        num_candidates: Number of tokens that could be drawn.
        candidates: The most likely ones, best first.
    """

    name: str
    values: dict[str, float]
    num_candidates: int
    candidates: tuple[Candidate, ...]
