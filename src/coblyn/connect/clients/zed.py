"""Zed: a provider in its settings; its key is a variable, named after the provider."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from coblyn.connect.merge import into_json
from coblyn.connect.places import config_home
from coblyn.connect.plan import Change, Client, Plan
from coblyn.connect.target import Target

__all__ = ["CLIENT"]

_UNKNOWN_CONTEXT = 8192


def _plan(target: Target, home: Path) -> Plan:
    model = {
        "name": target.model,
        "display_name": target.model,
        "max_tokens": target.context or _UNKNOWN_CONTEXT,
        "capabilities": {
            "tools": True,
            "images": False,
            "parallel_tool_calls": True,
            "prompt_cache_key": False,
        },
    }
    provider = {"api_url": target.openai, "available_models": [model]}
    values = {"language_models": {"openai_compatible": {"Coblyn": provider}}}
    return Plan(
        (Change(_directory(home) / "settings.json", into_json(values)),),
        variables={"COBLYN_API_KEY": target.some_key},
        steps=("In the agent panel, choose the model of Coblyn.",),
    )


def _directory(home: Path) -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA", home / "AppData" / "Roaming")) / "Zed"
    base = home / ".config" if sys.platform == "darwin" else config_home(home)
    return base / "zed"


CLIENT = Client("zed", "Zed", _plan)
