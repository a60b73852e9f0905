"""Limits of one engine."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one engine.

    Attributes:
        context: Maximum number of tokens of one request, prompt and completion.
        max_running: Maximum number of requests in the batch.
        max_batch: Maximum number of tokens per step.
        busy_batch: Maximum number of tokens per step while any request decodes, so that no long prompt stalls decoding.
        speculates: Whether drafts are used where that is faster.
    """

    context: int
    max_running: int
    max_batch: int
    busy_batch: int
    speculates: bool = False
