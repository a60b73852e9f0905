"""Whether and how much a model shall think, in the words of several APIs, as variables of chat templates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from coblyn.errors import BadRequest

__all__ = ["effort_of", "thinking_variables"]

_EFFORTS = {"minimal": "low", "xhigh": "high", "max": "high", "ultra": "high"}
"""Templates know low, medium and high."""


def thinking_variables(
    effort: object = None, *, is_on: bool | None = None, field: str = "reasoning_effort"
) -> dict[str, Any]:
    """The variables that templates look at.

    Args:
        effort: ``none``, or how much; unknown words are passed on, null says nothing.
        is_on: Whether the model shall think at all, where that is said apart.
        field: What the body calls the effort.

    Raises:
        BadRequest: The effort is no text.
    """
    if not isinstance(effort, str | None):
        raise BadRequest(f"{field} must be a string.", field=field)
    if effort == "none":
        effort, is_on = None, False
    elif effort and is_on is None:
        is_on = True
    switch = {} if is_on is None else {"enable_thinking": is_on, "thinking": is_on}
    return switch | ({"reasoning_effort": _EFFORTS.get(effort, effort)} if effort else {})


def effort_of(reasoning: Mapping[str, Any] | None) -> object:
    """The effort in OpenRouter's and the responses' form."""
    reasoning = reasoning or {}
    return "none" if reasoning.get("enabled") is False else reasoning.get("effort")
