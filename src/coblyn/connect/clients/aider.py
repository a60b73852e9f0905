"""aider: ~/.aider.conf.yml.

Its fields: https://aider.chat/docs/config/aider_conf.html
"""

from __future__ import annotations

from pathlib import Path

from coblyn.connect.merge import into_yaml
from coblyn.connect.plan import Change, Client, Plan
from coblyn.connect.target import Target

__all__ = ["CLIENT"]


def _plan(target: Target, home: Path) -> Plan:
    values = {
        "model": f"openai/{target.model}",
        "openai-api-base": target.openai,
        "openai-api-key": target.some_key,
        # It has the prices and limits of known models, and warns about all others.
        "show-model-warnings": False,
    }
    return Plan((Change(home / ".aider.conf.yml", into_yaml(values)),), steps=("Run: aider",))


CLIENT = Client("aider", "aider", _plan)
