"""The error for files that cannot be decoded."""

from __future__ import annotations

__all__ = ["Unreadable"]


class Unreadable(Exception):
    """The file has a wrong type, is broken, or exceeds the limits; the text continues a sentence about it."""
