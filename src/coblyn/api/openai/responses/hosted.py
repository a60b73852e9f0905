"""Tools of the server's own tool servers, as a request of ``/v1/responses`` asks for them (``type: mcp``).

The form is OpenAI's: the label of a server, which of its tools, and which of them the user is asked about first. Here
a label is a name in the tool servers' file; addresses that a client sends are never connected to.
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
        asks: Whether the user is asked before it runs.
    """

    tool: ForeignTool
    asks: bool


async def hosted_tools(tools: Any, servers: ToolServers | None) -> tuple[HostedTool, ...]:
    """The tools that a request wants of servers that are here; those of others are left out.

    Raises:
        BadRequest: A field has a wrong form.
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
    """Whether it is asked about; by default all are that the tool servers' file does not allow."""
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
    """Names of tools: a list of them, or an object with ``tool_names``; None for no list."""
    if isinstance(value, dict):
        value = value.get("tool_names")
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise BadRequest(f"{where} must be a list of names.", field=where)
    return frozenset(value)


@dataclass(frozen=True, slots=True)
class Approval:
    """A call that was asked about, and may run.

    Attributes:
        request: The item that asked.
    """

    request: Item


def approvals(past: Sequence[Item], items: Sequence[Item]) -> list[Approval]:
    """The calls that this request allows and that did not run yet, in the order of the answers.

    Raises:
        BadRequest: An answer names no question that is known.
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
    """Run the tool that an item calls. What goes wrong is a result that says so.

    Args:
        servers: Where it runs.
        allowed: The tools of the request; others do not run.
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
