"""Tools of this server's tool servers, as requested in an entry of ``tools`` (``type: mcp``).

The format is OpenAI's: the label of a server, its allowed tools, and those that need approval. Here a label is a name
in the tool servers' file; the server never connects to addresses from a request.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from coblyn.chat.messages import Tool
from coblyn.errors import BadRequest
from coblyn.mcp.tool_servers import ForeignTool, ToolServers
from coblyn.service.tool_rounds import HostedTool

__all__ = ["described", "hosted_tools", "left_out", "unquestioned"]


async def hosted_tools(tools: Any, servers: ToolServers | None) -> tuple[HostedTool, ...]:
    """The requested tools of configured servers; those of other servers are left out.

    Raises:
        BadRequest: A field is malformed.
        ToolFailed: A server cannot be reached.
    """
    found: list[HostedTool] = []
    wanted: Iterable[Any] = tools if isinstance(tools, list) else ()
    for index, entry in enumerate(wanted):
        label = entry.get("server_label") if isinstance(entry, dict) else None
        if servers and entry.get("type") == "mcp" and label in servers.names:
            where = f"tools[{index}]"
            allowed = _names(entry.get("allowed_tools"), f"{where}.allowed_tools")
            offered = await servers.tools(label)
            chosen = [tool for tool in offered if allowed is None or tool.name in allowed]
            rule = entry.get("require_approval")
            found += [HostedTool(tool, _asks(tool, rule, where)) for tool in chosen]
    return tuple(found)


def unquestioned(tools: Sequence[HostedTool], warnings: dict[str, str]) -> tuple[HostedTool, ...]:
    """The tools that run without approval, for dialects in which a client cannot be asked.

    Args:
        tools: The requested tools.
        warnings: Collects those that are left out.
    """
    asking = [each.tool.full_name for each in tools if each.asks]
    if asking:
        warnings["tools"] = (
            f"{', '.join(asking)}: left out, since nobody can be asked here. Allow them in the tool servers' file"
            ' (alwaysAllow), or by "require_approval": "never".'
        )
    return tuple(each for each in tools if not each.asks)


def described(tools: Sequence[HostedTool]) -> tuple[Tool, ...]:
    """Tools on this server as the model gets them."""
    return tuple(
        Tool(each.tool.full_name, each.tool.description, each.tool.parameters) for each in tools
    )


def left_out(tools: Any, servers: ToolServers | None) -> dict[str, str]:
    """Warnings about requested servers that are not configured."""
    known = servers.names if servers else ()
    listed: Iterable[Any] = tools if isinstance(tools, list) else ()
    return {
        f"tools[{index}]": "The tool servers' file has no server of this label; it was left out."
        for index, entry in enumerate(listed)
        if isinstance(entry, dict)
        and entry.get("type") == "mcp"
        and entry.get("server_label") not in known
    }


def _asks(tool: ForeignTool, rule: Any, where: str) -> bool:
    """Whether a tool needs approval; by default all tools that the tool servers' file does not allow do."""
    if rule in ("always", "never"):
        return bool(rule == "always")
    if rule is None:
        return not tool.is_allowed
    where = f"{where}.require_approval"
    if not isinstance(rule, dict):
        raise BadRequest(f"{where} must be always, never or an object of these.", field=where)
    never = _names(rule.get("never"), f"{where}.never") or frozenset()
    always = _names(rule.get("always"), f"{where}.always")
    return tool.name not in never and (always is None or tool.name in always)


def _names(value: Any, where: str) -> frozenset[str] | None:
    """Names of tools: a list, or an object with ``tool_names``; None for no list."""
    if isinstance(value, dict):
        value = value.get("tool_names")
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise BadRequest(f"{where} must be a list of names.", field=where)
    return frozenset(value)
