"""Filling a gap in a text: the special tokens of models that were taught to, and how a prompt is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Gap", "InfillTokens", "arrange"]


@dataclass(frozen=True, slots=True)
class InfillTokens:
    """Token ids.

    Attributes:
        prefix: Stands before the text before the gap.
        suffix: Stands before the text after the gap.
        middle: After it the model writes what belongs into the gap.
        repository: Stands before a repository's name; None where there is no such token.
        file: Stands before each file of a repository; None where there is no such token.
    """

    prefix: int
    suffix: int
    middle: int
    repository: int | None = None
    file: int | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """Token ids of what is around a gap.

    Attributes:
        before: Of the text before it.
        after: Of the text after it.
        context: Of other files.
    """

    before: Sequence[int]
    after: Sequence[int]
    context: Sequence[int] = ()


def arrange(tokens: InfillTokens, gap: Gap, start: Sequence[int], room: int) -> list[int]:
    """The prompt: other files, the text before the gap, the text after it, and the middle token.

    What is nearest to the gap is kept: a quarter of the room is for the text after it, the rest for the text before it,
    and what both leave over for other files.

    Args:
        tokens: The model's special tokens.
        gap: What is around it.
        start: What prompts of the model begin with.
        room: Maximum number of tokens of the prompt.
    """
    room = max(room - len(start) - 3, 0)
    after = list(gap.after)[: max(room // 4, room - len(gap.before))]
    before = _last(gap.before, room - len(after))
    context = _last(gap.context, room - len(after) - len(before))
    return [*start, *context, tokens.prefix, *before, tokens.suffix, *after, tokens.middle]


def _last(ids: Sequence[int], count: int) -> list[int]:
    return list(ids[-count:]) if count > 0 else []
