"""The tools, in the form that the protocol's library requires."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import wraps
from io import BytesIO
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from coblyn import __version__
from coblyn.errors import CoblynError
from coblyn.mcp.backend import Backend, Order, TokenIds, Writer, Written
from coblyn.mcp.tool_servers import ForeignTool, ToolServers

if TYPE_CHECKING:
    from mcp.server import MCPServer

__all__ = ["make_server"]

_INSTRUCTIONS = (
    "Coblyn runs language models on this machine. `generate` asks one of them, `models` lists them, "
    "`tokenize` counts tokens as a model does, `doctor` explains the log of a failed build of C or C++."
)

_Model = Annotated[str, Field(description="Name of a model; empty for the server's own choice.")]


class Tools:
    """The tools over a backend; each method is one, and its docstring what programs are told of it."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def generate(
        self,
        prompt: Annotated[str, Field(description="What to answer.")],
        system: Annotated[str, Field(description="Instructions that stand before it.")] = "",
        max_tokens: Annotated[
            int, Field(ge=1, le=1_000_000, description="Maximum number of tokens.")
        ] = 512,
        temperature: Annotated[
            float | None, Field(ge=0, le=5, description="0 for the most likely text.")
        ] = None,
        stop: Annotated[
            list[str] | None, Field(max_length=32, description="Texts that end it.")
        ] = None,
        model: _Model = "",
    ) -> Written:
        """Have a local language model answer a prompt."""
        order = Order(prompt, system, max_tokens, temperature, tuple(stop or ()), model)
        return await self._backend.write(order)

    async def tokenize(
        self, text: Annotated[str, Field(description="Any text.")], model: _Model = ""
    ) -> TokenIds:
        """Count the tokens of a text as a model does, and give their ids."""
        return await self._backend.tokenize(text, model)

    async def models(self) -> list[Writer]:
        """List the models that can be asked, with their context."""
        return await self._backend.models()

    async def doctor(
        self, log: Annotated[str, Field(description="What the build wrote, all of it.")]
    ) -> dict[str, Any]:
        """Explain why a build of C or C++ failed, from its log: causes with evidence and what mends them.

        Nothing is run, and no file is read.
        """
        return await asyncio.to_thread(_diagnose, log)


def _diagnose(log: str) -> dict[str, Any]:
    from coblyn.doctor.cause import Case
    from coblyn.doctor.consult import Consultation
    from coblyn.doctor.examine import examine
    from coblyn.doctor.log.reader import read_log

    # Only the text of a submitted log is known: this machine is not examined.
    case = Case(log=read_log(BytesIO(log.encode(errors="replace"))))
    return Consultation(case, examine(case)).to_json()


def make_server(backend: Backend, others: ToolServers | None = None) -> MCPServer:
    """An MCP server with all tools; importing the library takes a second.

    Args:
        backend: Where models run.
        others: Servers whose tools are offered too, each under its server's name and its own name.
    """
    from mcp.server import MCPServer

    kind = _relaying(others) if others else MCPServer
    server = kind("coblyn", instructions=_INSTRUCTIONS, version=__version__)
    tools = Tools(backend)
    for tool in (tools.generate, tools.tokenize, tools.models, tools.doctor):
        server.add_tool(_told(tool))
    return server


def _relaying(others: ToolServers) -> type[MCPServer]:
    """A server that forwards calls of other servers' tools."""
    from mcp.server import MCPServer
    from mcp.server.mcpserver.exceptions import ToolError
    from mcp_types import CallToolResult, TextContent, Tool

    class Relay(MCPServer):
        async def list_tools(self) -> list[Tool]:
            found = [_offered(tool) for tool in await others.all_tools()]
            return [*await super().list_tools(), *found]

        async def call_tool(self, name: str, arguments: dict[str, Any], context: Any = None) -> Any:
            # Server names may contain the separator between server and tool names.
            labels = [label for label in others.names if name.startswith(f"{label}__")]
            if not labels:
                return await super().call_tool(name, arguments, context)
            label = max(labels, key=len)
            inner = name.removeprefix(f"{label}__")
            try:
                result = await others.call(label, inner, arguments)
            except CoblynError as error:
                raise ToolError(str(error)) from error
            content = [TextContent(type="text", text=result.text)]
            return CallToolResult(content=[*content], is_error=result.is_error)

    def _offered(tool: ForeignTool) -> Tool:
        schema = tool.parameters or {"type": "object"}
        return Tool(name=tool.full_name, description=tool.description, input_schema=schema)

    return Relay


def _told(tool: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """The same tool, whose expected errors reach the program with their own messages."""

    @wraps(tool)
    async def run(*args: Any, **arguments: Any) -> Any:
        from mcp.server.mcpserver.exceptions import ToolError

        try:
            return await tool(*args, **arguments)
        except CoblynError as error:
            raise ToolError(str(error)) from error

    return run
