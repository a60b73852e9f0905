"""The settings of tool servers as options of the APIs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from coblyn.mcp.server_file import read_servers
from coblyn.mcp.tool_servers import ToolLimits
from coblyn.settings import Settings

__all__ = ["tool_options"]


def tool_options(settings: Settings) -> dict[str, Any]:
    """Fields of ``ApiOptions``.

    Raises:
        SettingsError: The file cannot be read, or an entry is invalid.
    """
    path = settings.mcp_file
    return {
        "tool_servers": read_servers(Path(path).expanduser()) if path else (),
        "tool_limits": ToolLimits(seconds=settings.tool_seconds),
    }
