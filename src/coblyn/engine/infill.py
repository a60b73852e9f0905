"""Fill-in-the-middle: the special tokens of models trained for it, and the prompt made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Gap", "InfillTokens", "arrange"]


@dataclass(frozen=True, slots=True)
class InfillTokens:
    """Ids of the special tokens for fill-in-the-middle.

    Attributes:
        prefix: Precedes the text before the gap.
        suffix: Precedes the text after the gap.
        middle: Last token of the prompt; the model writes the missing text after it.
        repository: Precedes a repository's name; None if there is no such token.
        file: Precedes each file of a repository; None if there is no such token.
    """

    prefix: int
    suffix: int
    middle: int
    repository: int | None = None
    file: int | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """Token ids of the texts around a gap.

    Attributes:
        before: The text before the gap.
        after: The text after the gap.
        context: Other files.
    """

    before: Sequence[int]
    after: Sequence[int]
    context: Sequence[int] = ()


def arrange(tokens: InfillTokens, gap: Gap, start: Sequence[int], room: int) -> list[int]:
    """The prompt: other files, the text before the gap, the text after it, and the middle token.

    The text nearest to the gap is kept: a quarter of the room is for the text after it, the rest for the text before
    it, and what both leave unused for other files.

    Args:
        tokens: The model's special tokens.
        gap: The texts around the gap.
        start: Ids that every prompt of the model starts with.
        room: Maximum number of tokens of the prompt.
    """
    room = max(room - len(start) - 3, 0)
    after = list(gap.after)[: max(room // 4, room - len(gap.before))]
    before = _last(gap.before, room - len(after))
    context = _last(gap.context, room - len(after) - len(before))
    return [*start, *context, tokens.prefix, *before, tokens.suffix, *after, tokens.middle]


def _last(ids: Sequence[int], count: int) -> list[int]:
    return list(ids[-count:]) if count > 0 else []
