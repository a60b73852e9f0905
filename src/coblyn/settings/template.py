"""Reads a chat template that the user sets in place of a model's own."""

from __future__ import annotations

from coblyn.errors import SettingsError
from coblyn.files import expanded, read_text

__all__ = ["is_template", "read_template"]

MAX_SIZE = 1 << 20
"""Maximum size of a file in bytes."""


def is_template(given: str) -> bool:
    """Whether a text is a Jinja template, and not the name of a file."""
    return "{%" in given or "{{" in given


def read_template(given: str) -> str:
    """The Jinja text of a setting: of the file that it names, or the setting itself; empty for an empty one.

    Raises:
        SettingsError: The file cannot be read, or is empty.
    """
    if not given or is_template(given):
        return given
    path = expanded(given)
    try:
        text = read_text(path, MAX_SIZE, encoding="utf-8-sig")
        if not text.strip():
            raise ValueError("it is empty")
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"The chat template {path} cannot be read: {error}.",
            hint="Name a file with a Jinja template, or leave chat_template out for the model's own.",
        ) from error
    return text
