"""Tools of this server's tool servers, as requested in ``/v1/responses`` (``type: mcp``).

The format is OpenAI's: the label of a server, its allowed tools, and those that need approval. Here a label is a name
in the tool servers' file; the server never connects to addresses from a request.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from coblyn.errors import BadRequest, CoblynError
from coblyn.mcp.tool_servers import ForeignTool, ToolResult, ToolServers

__all__ = ["Approval", "HostedTool", "approvals", "hosted_tools", "run_tool"]

Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class HostedTool:
    """A tool that runs here.

    Attributes:
        tool: The tool.
        asks: Whether it needs the user's approval.
    """

    tool: ForeignTool
    asks: bool


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


@dataclass(frozen=True, slots=True)
class Approval:
    """An approved call.

    Attributes:
        request: The item that requested approval.
    """

    request: Item


def approvals(past: Sequence[Item], items: Sequence[Item]) -> list[Approval]:
    """The calls that this request approves and that have not run yet, in the order of the approvals.

    Raises:
        BadRequest: An approval refers to an unknown request.
    """
    known = (*past, *items)
    asked = {each.get("id"): each for each in known if each.get("type") == "mcp_approval_request"}
    run = {each.get("approval_request_id") for each in known if each.get("type") == "mcp_call"}
    found = []
    for index, item in enumerate(items):
        if item.get("type") != "mcp_approval_response":
            continue
        name = item.get("approval_request_id")
        if name not in asked:
            where = f"input[{index}].approval_request_id"
            raise BadRequest(f"{where}: there is no such request here.", field=where)
        if item.get("approve") is True and name not in run:
            run.add(name)
            found.append(Approval(asked[name]))
    return found


async def run_tool(
    servers: ToolServers, allowed: Sequence[HostedTool], item: Mapping[str, Any]
) -> ToolResult:
    """Run the tool that an item calls. Errors become results.

    Args:
        servers: The tool servers.
        allowed: The request's tools; no others run.
        item: An ``mcp_call``.
    """
    label, name = item["server_label"], item["name"]
    if not any((each.tool.server, each.tool.name) == (label, name) for each in allowed):
        return ToolResult(f"{label} has no tool {name} in this request.", is_error=True)
    try:
        arguments = json.loads(item["arguments"] or "{}")
    except (ValueError, RecursionError):
        return ToolResult("The arguments are not JSON.", is_error=True)
    if not isinstance(arguments, dict):
        return ToolResult("The arguments must be an object.", is_error=True)
    try:
        return await servers.call(label, name, arguments)
    except CoblynError as error:
        return ToolResult(error.message, is_error=True)
