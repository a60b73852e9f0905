"""opencode: a provider in its settings.

Its fields: https://opencode.ai/docs/providers
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from coblyn.connect.merge import into_json
from coblyn.connect.places import config_home
from coblyn.connect.plan import Change, Client, Plan
from coblyn.connect.target import Target

__all__ = ["CLIENT"]


def _plan(target: Target, home: Path) -> Plan:
    model: dict[str, Any] = {"name": target.model}
    if target.context:
        # It compacts a conversation when the remaining context is less than its planned output.
        model["limit"] = {"context": target.context, "output": max(1, target.context // 4)}
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "name": "Coblyn",
        "options": {"baseURL": target.openai, "apiKey": target.some_key},
        "models": {target.model: model},
    }
    values = {"$schema": "https://opencode.ai/config.json", "provider": {"coblyn": provider}}
    path = config_home(home) / "opencode" / "opencode.json"
    return Plan(
        (Change(path, into_json(values)),),
        steps=(f"Run: opencode --model coblyn/{target.model}",),
    )


CLIENT = Client("opencode", "opencode", _plan)
