"""``/mcp``: Coblyn's tools over HTTP by the Model Context Protocol (streamable, stateless)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Message as AsgiMessage
from starlette.types import Receive, Scope, Send

from coblyn.api.body import read_bytes
from coblyn.api.call import Call
from coblyn.api.route import Routes
from coblyn.api.stream import while_connected
from coblyn.chat.messages import Message
from coblyn.engine.params import SamplingParams
from coblyn.errors import Cancelled, CoblynError
from coblyn.mcp.backend import Order, TokenIds, Writer, Written
from coblyn.mcp.tool_servers import ToolServers
from coblyn.service.choices import merge
from coblyn.service.command import ChatPrompt, GenerateCommand
from coblyn.service.replies import WholeReply
from coblyn.service.services import Services

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

__all__ = ["McpEndpoint", "routes"]

routes = Routes()

_JSON = b"application/json"


class RpcInput(BaseModel):
    """A message of JSON-RPC 2.0; the MCP library reads it."""

    model_config = ConfigDict(extra="allow")

    jsonrpc: Literal["2.0"]
    method: str = Field(description="Such as initialize, tools/list or tools/call.")
    id: int | str | None = Field(
        default=None, description="Left out in notifications, which have no answer."
    )
    params: dict[str, Any] | None = None


@routes.post(
    "/mcp", "Tools over MCP", RpcInput, {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
)
async def answer(call: Call) -> Response:
    """JSON-RPC of the Model Context Protocol.

    The tools: ``generate``, ``tokenize``, ``models`` and ``doctor``, and those of the tool servers' file, each as
    SERVER__TOOL.
    """
    state = call.request.app.state
    if state.mcp is None:
        state.mcp = McpEndpoint(call.services)
    endpoint: McpEndpoint = state.mcp
    manager = await endpoint.started()
    return _McpResponse(manager, call.request, await read_bytes(call.request, call.options))


@routes.get("/api/coblyn/tools", "Tools that models may call")
async def tools(call: Call) -> Response:
    """The tools of the tool servers' file, by server. ``is_allowed``: it runs without approval.

    Requests to ``/v1/responses`` and ``/v1/chat/completions`` use them by ``{"type": "mcp", "server_label": SERVER}``
    among their tools.
    """
    servers = call.services.tool_servers
    if not servers:
        return JSONResponse({"servers": []})
    return JSONResponse({"servers": [await _server(servers, name) for name in servers.names]})


async def _server(servers: ToolServers, name: str) -> dict[str, Any]:
    try:
        tools = await servers.tools(name)
    except CoblynError as error:
        return {"name": name, "tools": [], "problem": error.message}
    offered = [
        {
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.parameters,
            "annotations": tool.annotations,
            "is_allowed": tool.is_allowed,
        }
        for tool in tools
    ]
    return {"name": name, "tools": offered, "problem": ""}


@dataclass(frozen=True, slots=True)
class ServiceBackend:
    """A ``Backend`` over this server's models, on behalf of the current caller."""

    services: Services

    async def models(self) -> list[Writer]:
        """The models that are loaded."""
        return [Writer(model.name, model.engine.info.context) for model in self.services.models]

    async def write(self, order: Order) -> Written:
        """Answer as a chat."""
        said = [Message("user", order.prompt)]
        if order.system:
            said.insert(0, Message("system", order.system))
        sampling = SamplingParams()
        if order.temperature is not None:
            sampling = replace(sampling, temperature=order.temperature)
        command = GenerateCommand(
            ChatPrompt(tuple(said)),
            max_tokens=order.max_tokens,
            sampling=sampling,
            stop=order.stop,
            model=order.model,
        )
        return await self._complete(command)

    async def tokenize(self, text: str, model: str) -> TokenIds:
        """Tokenize with a model's vocabulary."""
        loaded = await self.services.models.ready(model)
        ids = await loaded.tokens.ids(text, add_special=False, parse_special=False)
        return TokenIds(len(ids), ids)

    async def _complete(self, command: GenerateCommand) -> Written:
        generation = await self.services.generator.start(command)
        whole = WholeReply(generation.record)
        events = merge([generation])
        try:
            async for _, reply in events:
                whole.add(reply)
        finally:
            await events.aclose()
        record, message = whole.record, whole.message
        return Written(
            message.content,
            message.reasoning,
            "length" if whole.reason == "length" else "stop",
            record.model,
            record.num_prompt,
            record.num_written,
        )


class McpEndpoint:
    """The MCP library, imported and started on demand, since the import takes a second.

    Args:
        services: The services.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._manager: asyncio.Future[StreamableHTTPSessionManager] | None = None
        self._task: asyncio.Task[None] | None = None

    async def started(self) -> StreamableHTTPSessionManager:
        """The running request handler."""
        if self._manager is None:
            self._manager = asyncio.get_running_loop().create_future()
            self._task = asyncio.create_task(self._run(self._manager), name="mcp")
        return await asyncio.shield(self._manager)

    async def close(self) -> None:
        """Stop it."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self, ready: asyncio.Future[Any]) -> None:
        try:
            manager = await asyncio.to_thread(_make_manager, self._services)
            async with manager.run():
                ready.set_result(manager)
                await asyncio.Event().wait()
        except Exception as error:  # noqa: BLE001 - those who wait for it raise it
            if not ready.done():
                self._manager = None
                ready.set_exception(error)


def _make_manager(services: Services) -> StreamableHTTPSessionManager:
    from mcp.server.transport_security import TransportSecuritySettings

    from coblyn.mcp.tools import make_server

    server = make_server(ServiceBackend(services), services.tool_servers)
    # Hosts and origins were checked before (``origins.py``), and body sizes are limited by us.
    server.streamable_http_app(
        stateless_http=True,
        json_response=True,
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    return server.session_manager


class _McpResponse(Response):
    """An answer of the MCP library; the work is cancelled when the client leaves."""

    def __init__(
        self, manager: StreamableHTTPSessionManager, request: Request, body: bytes
    ) -> None:
        super().__init__()
        self._manager = manager
        self._request = request
        self._content = body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, whatever types are declared: as everywhere, the body alone counts, and the answer is JSON."""
        scope = {**scope, "headers": _with_types(scope["headers"])}
        parts = iter([self._content])

        async def replay() -> AsgiMessage:
            part = next(parts, None)
            if part is None:
                await asyncio.Event().wait()
            return {"type": "http.request", "body": part, "more_body": False}

        with contextlib.suppress(Cancelled):  # the client has left
            await while_connected(receive, self._manager.handle_request(scope, replay, send))


def _with_types(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers with the types that the library insists on."""
    others = [(name, value) for name, value in headers if name not in (b"accept", b"content-type")]
    wanted = (b"accept", b"application/json, text/event-stream"), (b"content-type", _JSON)
    return [*others, *wanted]
