"""Codex: a provider in its settings, and a profile in a separate file (Codex 0.134 and later)."""

from __future__ import annotations

from pathlib import Path

from coblyn.connect.merge import into_toml
from coblyn.connect.places import chosen
from coblyn.connect.plan import Change, Client, Plan
from coblyn.connect.target import Target

__all__ = ["CLIENT"]

_VARIABLE = "COBLYN_CLIENT_KEY"


def _plan(target: Target, home: Path) -> Plan:
    provider = {"name": "Coblyn", "base_url": target.openai, "wire_api": "responses"}
    profile: dict[str, object] = {"model": target.model, "model_provider": "coblyn"}
    if target.key:
        provider["env_key"] = _VARIABLE
    if target.context:
        profile["model_context_window"] = target.context
    directory = chosen("CODEX_HOME", home / ".codex")
    return Plan(
        (
            Change(directory / "config.toml", into_toml({"model_providers": {"coblyn": provider}})),
            Change(directory / "coblyn.config.toml", into_toml(profile)),
        ),
        variables={_VARIABLE: target.key} if target.key else {},
        steps=("Run: codex --profile coblyn",),
    )


CLIENT = Client("codex", "Codex", _plan)
