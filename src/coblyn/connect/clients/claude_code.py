"""Claude Code: a separate settings file, so that the user's account remains in use elsewhere."""

from __future__ import annotations

from pathlib import Path

from coblyn.connect.merge import into_json
from coblyn.connect.plan import Change, Client, Plan
from coblyn.connect.target import Target

__all__ = ["CLIENT"]

_MODELS = (
    "ANTHROPIC_MODEL",
    "ANTHROPIC_DEFAULT_OPUS_MODEL",
    "ANTHROPIC_DEFAULT_SONNET_MODEL",
    "ANTHROPIC_DEFAULT_HAIKU_MODEL",
)


def _plan(target: Target, home: Path) -> Plan:
    path = home / ".claude" / "coblyn.json"
    environment = {
        "ANTHROPIC_BASE_URL": target.url,
        "ANTHROPIC_AUTH_TOKEN": target.some_key,
        **dict.fromkeys(_MODELS, target.model),
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        # On a CPU, reading a long prompt may take minutes.
        "API_TIMEOUT_MS": "3000000",
    }
    if target.context:
        # For an unknown model, it assumes a window of 200,000 tokens or more.
        environment["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] = str(target.context)
    return Plan(
        (Change(path, into_json({"env": environment})),),
        steps=(f'Run: claude --settings "{path}"',),
    )


CLIENT = Client("claude-code", "Claude Code", _plan)
