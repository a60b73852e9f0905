"""Why a file cannot be taken for an image or a sound."""

from __future__ import annotations

__all__ = ["Unreadable"]


class Unreadable(Exception):
    """The file is none, broken, or beyond the limits; the text goes on a sentence about it."""
