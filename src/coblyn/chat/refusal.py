"""A template's own refusal of a conversation."""

from __future__ import annotations

__all__ = ["TemplateRefusal"]


class TemplateRefusal(Exception):
    """The template itself refuses the conversation, through ``raise_exception``."""
