"""The reasoning options of a body, under the names of several servers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from coblyn.errors import BadRequest
from coblyn.service.command import ChatPrompt, GenerateCommand

__all__ = ["EFFORTS", "bind_thinking", "switch"]

EFFORTS: Mapping[str, int | None] = {
    "none": 0,
    "minimal": 256,
    "low": 1024,
    "medium": 4096,
    "high": None,
    "xhigh": None,
    "max": None,
}
"""Maximum number of reasoning tokens per level; None for no limit. Templates that support levels get them too."""

_LEVELS = {"minimal": "low", "xhigh": "high", "max": "high"}
"""The levels of templates are low, medium and high."""

_BUDGETS = ("reasoning_budget", "thinking_budget_tokens", "thinking_budget")
"""llama-server's and Qwen's names."""


def bind_thinking(command: GenerateCommand, body: Mapping[str, Any]) -> GenerateCommand:
    """Add a body's reasoning limit to a command, and pass it to the chat template.

    An effort is a level, a budget a number of tokens; the smaller limit of the two counts. A negative budget is no
    limit.

    Raises:
        BadRequest: A value is invalid; ``field`` names it.
    """
    effort, budgets = _effort(body), _budgets(body)
    if effort is None and not budgets:
        return command
    limits = [each for each in budgets if each >= 0]
    level = EFFORTS[effort] if effort is not None else None
    if level is not None:
        limits.append(level)
    limit = min(limits, default=None)
    return replace(command, prompt=_told(command, effort, limit), max_thinking=limit)


def _told(command: GenerateCommand, effort: str | None, limit: int | None) -> Any:
    """The prompt with template variables added; those in the body take precedence."""
    prompt = command.prompt
    if not isinstance(prompt, ChatPrompt):
        return prompt
    told: dict[str, Any] = switch(is_on=limit != 0)
    if effort is not None and effort != "none":
        told["reasoning_effort"] = _LEVELS.get(effort, effort)
    return replace(prompt, variables=tuple((told | dict(prompt.variables)).items()))


def switch(*, is_on: bool) -> dict[str, Any]:
    """Template variables that switch reasoning, by the names of several template families."""
    return {"enable_thinking": is_on, "thinking": is_on}


def _effort(body: Mapping[str, Any]) -> str | None:
    inner, think = body.get("reasoning"), body.get("think")
    named = {
        "reasoning_effort": body.get("reasoning_effort"),
        "reasoning.effort": inner.get("effort") if isinstance(inner, dict) else None,
        "think": think if isinstance(think, str) else None,
    }
    for name, value in named.items():
        if value in (None, ""):
            continue
        if not isinstance(value, str) or value not in EFFORTS:
            raise BadRequest(f"{name} must be one of {', '.join(EFFORTS)}.", field=name)
        return value
    return None


def _budgets(body: Mapping[str, Any]) -> list[int]:
    named = {name: body.get(name) for name in _BUDGETS}
    thinking, inner = body.get("thinking"), body.get("reasoning")
    if isinstance(thinking, dict):
        is_off = thinking.get("type") == "disabled"
        named["thinking.budget_tokens"] = 0 if is_off else thinking.get("budget_tokens")
    if isinstance(inner, dict):
        named["reasoning.max_tokens"] = inner.get("max_tokens")
    if body.get("think") is False:
        named["think"] = 0
    return [_number(name, value) for name, value in named.items() if value is not None]


def _number(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**31:
        raise BadRequest(f"{name} must be a number of tokens.", field=name)
    return value
