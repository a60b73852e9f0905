"""Cuts prompts to the length of the context. Pure arithmetic over lists of token ids."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["trim_below_memory", "trim_front"]


def trim_front(prompt: Sequence[int], start: Sequence[int], room: int) -> list[int]:
    """The newest part of a prompt that fits.

    Args:
        prompt: Token ids, including ``start`` if the model wants it.
        start: Ids that every prompt starts with: the BOS token, or nothing.
        room: Maximum number of tokens.
    """
    if len(prompt) <= room:
        return list(prompt)
    return [*start, *_newest(prompt, room - len(start))]


def trim_below_memory(
    memory: Sequence[int], prompt: Sequence[int], start: Sequence[int], room: int
) -> list[int]:
    """Memory on top and, under it, the newest part of the prompt that fits.

    Overflow eats the oldest text of the prompt; memory itself loses its front only if it alone does
    not fit.

    Args:
        memory: Token ids, ``start`` among them.
        prompt: Token ids without ``start``.
        start: Ids that every prompt starts with: the BOS token, or nothing.
        room: Maximum number of tokens.
    """
    top = trim_front(memory, start, room - 4)
    return top + _newest(prompt, room - 1 - len(top))


def _newest(tokens: Sequence[int], room: int) -> list[int]:
    return list(tokens[max(0, len(tokens) - max(0, room)) :])
