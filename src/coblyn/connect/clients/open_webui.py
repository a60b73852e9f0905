"""Open WebUI: variables for its first start; later, its own settings apply."""

from __future__ import annotations

from pathlib import Path

from coblyn.connect.plan import Client, Plan
from coblyn.connect.target import Target

__all__ = ["CLIENT"]


def _plan(target: Target, _: Path) -> Plan:
    return Plan(
        variables={
            "OPENAI_API_BASE_URL": target.openai,
            "OPENAI_API_KEY": target.some_key,
            "ENABLE_OLLAMA_API": "false",
        },
        steps=(
            "A first start takes these variables. If it has run before, open Admin Settings, Connections,",
            f"and add an OpenAI connection: URL {target.openai}, key {target.some_key}.",
            "In a container, 127.0.0.1 is the container: use an address of this machine and an API key.",
        ),
    )


CLIENT = Client("open-webui", "Open WebUI", _plan)
