"""Shortens conversations by leaving out their oldest turns."""

from __future__ import annotations

from collections.abc import Sequence

from coblyn.chat.messages import Message

__all__ = ["shortened"]

_KEPT = ("system", "developer")


def shortened(messages: Sequence[Message]) -> list[tuple[Message, ...]]:
    """The conversation without its 0, 1, 2, ... oldest turns, as long as one is left.

    A turn begins with a user message. System messages at the start are kept.
    """
    start = next((i for i, each in enumerate(messages) if each.role not in _KEPT), len(messages))
    turns = (i for i in range(start + 1, len(messages)) if messages[i].role == "user")
    head = tuple(messages[:start])
    return [tuple(messages), *(head + tuple(messages[turn:]) for turn in turns)]
