"""What one engine may do at a time."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one engine may do at a time.

    Attributes:
        context: Most tokens of one request, prompt and completion.
        max_running: Most requests in the batch.
        max_batch: Most tokens of a step.
        busy_batch: Most tokens of a step while some generation decodes, so that a long prompt does not stall it.
        speculates: Whether tokens are guessed ahead, where that is faster.
    """

    context: int
    max_running: int
    max_batch: int
    busy_batch: int
    speculates: bool = False
