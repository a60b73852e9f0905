"""What a body wants its text to be guided away from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from coblyn.errors import BadRequest
from coblyn.service.command import GenerateCommand

__all__ = ["bind_guidance"]


def bind_guidance(command: GenerateCommand, body: Mapping[str, Any]) -> GenerateCommand:
    """A command with the negative prompt of its body; ``guidance_scale`` is among the parameters.

    Raises:
        BadRequest: It is not text.
    """
    text = body.get("negative_prompt")
    if text is None:
        return command
    if not isinstance(text, str):
        raise BadRequest("negative_prompt must be a string.", field="negative_prompt")
    return replace(command, negative_prompt=text)
