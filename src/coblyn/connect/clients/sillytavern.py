"""SillyTavern writes its settings itself while it runs: the user enters them."""

from __future__ import annotations

from pathlib import Path

from coblyn.connect.plan import Client, Plan
from coblyn.connect.target import Target

__all__ = ["CLIENT"]


def _plan(target: Target, _: Path) -> Plan:
    key = (f"API key: {target.key}",) if target.key else ()
    return Plan(
        steps=(
            "Open API Connections (the plug), choose the API Text Completion and the type KoboldCpp.",
            *key,
            f"API URL: {target.url}",
            "Tick Derive context size from backend and Auto-connect, and press Connect.",
            "The bolts in Advanced Formatting (the A) choose the templates by the model's own.",
        )
    )


CLIENT = Client("sillytavern", "SillyTavern", _plan)
