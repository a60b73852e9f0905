"""The negative prompt of a body."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from coblyn.errors import BadRequest
from coblyn.service.command import GenerateCommand

__all__ = ["bind_guidance"]


def bind_guidance(command: GenerateCommand, body: Mapping[str, Any]) -> GenerateCommand:
    """Add a body's negative prompt to a command; ``guidance_scale`` is one of the parameters.

    Raises:
        BadRequest: It is not text.
    """
    text = body.get("negative_prompt")
    if text is None:
        return command
    if not isinstance(text, str):
        raise BadRequest("negative_prompt must be a string.", field="negative_prompt")
    return replace(command, negative_prompt=text)
