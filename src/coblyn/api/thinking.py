"""How much of reasoning a body wants, under the names that other servers gave it."""

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
"""Tokens of reasoning at each level; None for no limit. Templates that know levels get them too."""

_LEVELS = {"minimal": "low", "xhigh": "high", "max": "high"}
"""Templates know low, medium and high."""

_BUDGETS = ("reasoning_budget", "thinking_budget_tokens", "thinking_budget")
"""llama-server's names, and Qwen's."""


def bind_thinking(command: GenerateCommand, body: Mapping[str, Any]) -> GenerateCommand:
    """A command with the limit of reasoning that its body asks for, which is passed to its chat template.

    An effort is a word, a budget a number of tokens; the smaller limit of the two counts. A budget below 0 is none.

    Raises:
        BadRequest: A value cannot be understood; ``field`` names it.
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
    """The prompt of a command, with what templates ask for; what the body itself says to them counts."""
    prompt = command.prompt
    if not isinstance(prompt, ChatPrompt):
        return prompt
    told: dict[str, Any] = switch(is_on=limit != 0)
    if effort is not None and effort != "none":
        told["reasoning_effort"] = _LEVELS.get(effort, effort)
    return replace(prompt, variables=tuple((told | dict(prompt.variables)).items()))


def switch(*, is_on: bool) -> dict[str, Any]:
    """Whether to think, by the names that families of templates have for it."""
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
