"""Cherry Studio keeps its settings where only it can write them: the user enters them."""

from __future__ import annotations

from pathlib import Path

from coblyn.connect.plan import Client, Plan
from coblyn.connect.target import Target

__all__ = ["CLIENT"]


def _plan(target: Target, _: Path) -> Plan:
    return Plan(
        steps=(
            "In Settings, Model Provider, add a provider of the type OpenAI.",
            f"API Host: {target.url}",
            f"API Key: {target.some_key}",
            f"Manage: add the model {target.model}, and switch the provider on.",
        )
    )


CLIENT = Client("cherry-studio", "Cherry Studio", _plan)
