"""Batches of texts to embed, so that running generations wait for one step at most."""

from __future__ import annotations

from collections.abc import Sequence

from coblyn.engine.encoded import Encoded
from coblyn.errors import PromptTooLong

__all__ = ["BATCH", "MAX_TEXTS", "batches", "require_lengths"]

MAX_TEXTS = 16
"""Maximum number of texts embedded in one step."""

BATCH = 512
"""Maximum number of tokens of such a step, unless a single text has more."""


def batches(lengths: Sequence[int]) -> list[range]:
    """Group texts, in order, into batches of a few short ones or one long one.

    Args:
        lengths: Number of tokens of each.
    """
    found: list[range] = []
    start = total = 0
    for index, length in enumerate(lengths):
        if index > start and (total + length > BATCH or index - start == MAX_TEXTS):
            found.append(range(start, index))
            start, total = index, 0
        total += length
    if lengths:
        found.append(range(start, len(lengths)))
    return found


def require_lengths(prompts: Sequence[Encoded], longest: int) -> None:
    """Refuse texts that are too long for the model.

    Raises:
        PromptTooLong: One has more than ``longest`` tokens.
    """
    for index, prompt in enumerate(prompts):
        if prompt.num_tokens > longest:
            raise PromptTooLong(
                f"Text {index + 1} has {prompt.num_tokens} tokens, and the model's limit is {longest}.",
                field="input",
                hint="Split it into several texts.",
            )
