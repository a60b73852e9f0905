"""All programs that can be connected to a server, by name."""

from __future__ import annotations

from coblyn.connect.clients import (
    aider,
    cherry_studio,
    claude_code,
    codex,
    continue_dev,
    langchain,
    open_webui,
    opencode,
    sillytavern,
    zed,
)
from coblyn.connect.plan import Client

__all__ = ["CLIENTS"]

_MODULES = (
    aider,
    cherry_studio,
    claude_code,
    codex,
    continue_dev,
    langchain,
    open_webui,
    opencode,
    sillytavern,
    zed,
)

CLIENTS: dict[str, Client] = {module.CLIENT.name: module.CLIENT for module in _MODULES}
