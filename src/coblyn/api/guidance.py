"""The negative prompt of a body."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from coblyn.api.later import Warnings
from coblyn.errors import BadRequest
from coblyn.service.command import GenerateCommand

__all__ = ["bind_guidance", "report_guidance"]


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


def report_guidance(body: Mapping[str, Any]) -> Warnings:
    """A warning where a body has a negative prompt, and no scale by which it would guide."""
    if not body.get("negative_prompt") or body.get("guidance_scale") not in (None, 1):
        return {}
    return {"negative_prompt": "guidance_scale is 1, which guides away from nothing."}
