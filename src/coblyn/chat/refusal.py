"""A template's refusal of a conversation."""

from __future__ import annotations

__all__ = ["TemplateRefusal"]


class TemplateRefusal(Exception):
    """The template refused the conversation by ``raise_exception``."""
