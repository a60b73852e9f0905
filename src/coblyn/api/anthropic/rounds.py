"""Messages with tools that run on this server (``{"type": "mcp_toolset", "mcp_server_name": NAME}`` among the tools).

The blocks are those of Anthropic's connector: ``mcp_tool_use`` for a call, ``mcp_tool_result`` for its result, between
the texts of the rounds. The server is one of the tool servers' file; addresses in a request are never connected to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from coblyn.api.anthropic.content import content_of
from coblyn.api.anthropic.stream import MessageChunks
from coblyn.api.hosted import hosted_tools, left_out, unquestioned
from coblyn.api.rounds import WholeRounds
from coblyn.chat.flag import read_flag
from coblyn.chat.messages import ToolCall
from coblyn.chat.reply import Collected
from coblyn.errors import BadRequest
from coblyn.mcp.tool_servers import ToolResult, ToolServers
from coblyn.service.tool_rounds import HostedTool, Rounds

__all__ = ["RoundChunks", "WholeMessage", "tools_of_sets"]


async def tools_of_sets(
    tools: Sequence[Mapping[str, Any]] | None,
    servers: ToolServers | None,
    warnings: dict[str, str],
) -> tuple[HostedTool, ...]:
    """The tools of the requested sets that run without approval, since nobody can be asked for it here.

    Args:
        tools: As the client sent them.
        servers: The tool servers.
        warnings: Collects what was left out.

    Raises:
        BadRequest: A field is malformed.
        ToolFailed: A server cannot be reached.
    """
    sets = [_entry(tool) if tool.get("type") == "mcp_toolset" else {} for tool in tools or ()]
    warnings |= left_out(sets, servers)
    found = await hosted_tools(sets, servers)
    on = {
        str(tool.get("mcp_server_name")): _Switches(tool, f"tools[{index}]")
        for index, tool in enumerate(tools or ())
        if tool.get("type") == "mcp_toolset"
    }
    chosen = [each for each in found if on[each.tool.server].is_on(each.tool.name)]
    return unquestioned(chosen, warnings)


def _entry(tool: Mapping[str, Any]) -> dict[str, Any]:
    """A set as OpenAI's clients request it."""
    return {
        "type": "mcp",
        "server_label": tool.get("mcp_server_name"),
        "require_approval": tool.get("require_approval"),
    }


class _Switches:
    """Which tools of a set are enabled."""

    def __init__(self, tool: Mapping[str, Any], where: str) -> None:
        self._default = _enabled(tool.get("default_config"), f"{where}.default_config", True)
        configs = tool.get("configs") or {}
        if not isinstance(configs, Mapping):
            raise BadRequest(f"{where}.configs must be an object.", field=f"{where}.configs")
        self._of = {
            str(name): _enabled(config, f"{where}.configs.{name}", self._default)
            for name, config in configs.items()
        }

    def is_on(self, name: str) -> bool:
        return self._of.get(name, self._default)


def _enabled(config: Any, where: str, default: bool) -> bool:
    if not isinstance(config, Mapping | None):
        raise BadRequest(f"{where} must be an object.", field=where)
    found = read_flag(config or {}, "enabled", where)
    return default if found is None else found


class _Blocks:
    """The blocks of calls that run here."""

    def __init__(self, tools: Sequence[HostedTool]) -> None:
        self._tools = {each.tool.full_name: each.tool for each in tools}

    def use(self, call: ToolCall) -> dict[str, Any]:
        tool = self._tools[call.name]
        return {
            "type": "mcp_tool_use",
            "id": call.id,
            "name": tool.name,
            "server_name": tool.server,
            "input": call.values or {},
        }

    def result(self, call: ToolCall, result: ToolResult) -> dict[str, Any]:
        return {
            "type": "mcp_tool_result",
            "tool_use_id": call.id,
            "is_error": result.is_error,
            "content": [{"type": "text", "text": result.text}],
        }


class WholeMessage(WholeRounds):
    """A message collected over all its rounds.

    Args:
        rounds: Its rounds.
    """

    def __init__(self, rounds: Rounds) -> None:
        super().__init__(rounds, gap="")
        self._blocks = _Blocks(rounds.tools)
        self._content: list[dict[str, Any]] = []

    @property
    def content(self) -> list[dict[str, Any]]:
        """All blocks."""
        return self._content + content_of(self.collected.message)

    def running(self, call: ToolCall) -> None:
        """A call runs now, after the end of a round."""
        self._content = [*self.content, self._blocks.use(call)]
        self.collected = Collected()

    def ran(self, call: ToolCall, result: ToolResult) -> None:
        """It has run or failed."""
        self._content.append(self._blocks.result(call, result))


class RoundChunks(MessageChunks):
    """The events of a message in rounds.

    Args:
        *args: As for ``MessageChunks``.
        rounds: Its rounds.
    """

    def __init__(self, *args: Any, rounds: Rounds) -> None:
        super().__init__(*args)
        self._of_rounds = _Blocks(rounds.tools)

    def running(self, call: ToolCall) -> bytes:
        """The block of a call."""
        block = self._of_rounds.use(call)
        return self.blocks.whole({**block, "input": {}}, call.arguments or "{}")

    def ran(self, call: ToolCall, result: ToolResult) -> bytes:
        """The block of its result."""
        return self.blocks.whole(self._of_rounds.result(call, result))
