"""Continue: a model in ~/.continue/config.yaml.

Its fields: https://docs.continue.dev/reference
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from coblyn.connect.merge import into_yaml
from coblyn.connect.plan import Change, Client, Plan
from coblyn.connect.target import Target

__all__ = ["CLIENT"]


def _plan(target: Target, home: Path) -> Plan:
    model: dict[str, Any] = {
        "name": "Coblyn",
        "provider": "openai",
        "model": target.model,
        "apiBase": target.openai,
        "apiKey": target.some_key,
        "roles": ["chat", "edit", "apply"],
    }
    if target.context:
        model["defaultCompletionOptions"] = {"contextLength": target.context}

    def change(text: str) -> str:
        new = {} if text.strip() else {"name": "Mine", "version": "1.0.0", "schema": "v1"}
        return into_yaml({**new, "models": [model]})(text)

    return Plan(
        (Change(home / ".continue" / "config.yaml", change),),
        steps=("In Continue, choose the model Coblyn.",),
    )


CLIENT = Client("continue", "Continue", _plan)
