"""The web application: all dialects and the page over the models that are loaded."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.routing import Route as StarletteRoute
from starlette.types import Receive, Scope, Send

from coblyn.api.access import CallerFinder, KeyGuard
from coblyn.api.anthropic.dialect import ANTHROPIC
from coblyn.api.arrival import answered
from coblyn.api.call import Call
from coblyn.api.dialect import Dialect
from coblyn.api.docs.routes import docs_routes
from coblyn.api.errors import answer_error, error_handlers
from coblyn.api.generation_log import GenerationLog
from coblyn.api.health import SERVER
from coblyn.api.kobold.dialect import KOBOLD
from coblyn.api.late import LateRoute
from coblyn.api.lite import lite_routes
from coblyn.api.llama.dialect import LLAMA
from coblyn.api.metrics import Metrics
from coblyn.api.observer import Observer
from coblyn.api.ollama.dialect import OLLAMA
from coblyn.api.ollama.root import root_routes
from coblyn.api.openai.dialect import OPENAI
from coblyn.api.origins import OriginGuard
from coblyn.api.page import page_routes
from coblyn.api.paths import Paths, SuffixPaths
from coblyn.api.route import Route
from coblyn.api.state import ApiOptions
from coblyn.api.story.dialect import STORY
from coblyn.api.table import by_path
from coblyn.api.tapes import Tapes
from coblyn.engine.interface import EngineClient
from coblyn.errors import CoblynError, Forbidden
from coblyn.mcp.tool_servers import ToolServers
from coblyn.models.declared import DeclaredModels
from coblyn.service.admin import Admin
from coblyn.service.caller import CALLER
from coblyn.service.loader import Loader
from coblyn.service.media import MediaLoader
from coblyn.service.services import Services, make_services
from coblyn.service.shared import SharedStory
from coblyn.service.slots import Slots
from coblyn.service.switch import Switch

if TYPE_CHECKING:
    from coblyn.web_search.search import WebSearch

__all__ = ["DIALECTS", "create_app", "import_dialects"]

DIALECTS = (OLLAMA, KOBOLD, ANTHROPIC, OPENAI, LLAMA, STORY, SERVER)
"""The dialects.

Errors at a path without a route have the shape of the first dialect that owns the path; the last owns all.
"""


def import_dialects(dialects: Sequence[Dialect] = DIALECTS) -> None:
    """Import what answers, so that no first request has to wait for it. Call it on a thread of its own."""
    for dialect in dialects:
        dialect.loaded_routes()


def create_app(
    engines: EngineClient | Sequence[EngineClient],
    options: ApiOptions | None = None,
    dialects: Sequence[Dialect] = DIALECTS,
    *,
    admin: Admin | None = None,
    loader: Loader | None = None,
    switch: Switch | None = None,
    declared: DeclaredModels | None = None,
) -> Starlette:
    """Make the application over one or several engines, which the caller owns and closes.

    Args:
        engines: One per loaded model; the first answers requests that name no model.
        options: The user's options.
        dialects: The API dialects; the last owns every path.
        admin: Loads other models; None if not allowed.
        loader: Loads models on demand; None if that is off.
        switch: Replaces the first model; None if that is off.
        declared: Models that a settings file declares.
    """
    options = options or ApiOptions()
    services = make_services(
        engines,
        is_strict=options.is_strict,
        max_completion=options.max_completion,
        journal=options.journal,
        slots=Slots(options.data_slots) if options.data_slots else None,
        admin=admin,
        loader=loader,
        switch=switch,
        declared=declared,
        keep_seconds=options.keep_seconds,
        sleep_seconds=options.sleep_seconds,
        web=_web_search(options),
        tool_servers=_tool_servers(options),
        media=_media(options),
        shared=SharedStory() if options.has_multiplayer else None,
    )
    paths, metrics, tapes = Paths(dialects), Metrics(services.models), Tapes()
    services.hub.watch(metrics.note_generation)
    services.hub.watch(GenerationLog(with_texts=options.logs_texts))
    app = Starlette(
        routes=by_path(
            [
                *(route for d in dialects for route in _routes(d, services, options)),
                *docs_routes(dialects),
                *lite_routes(options.lite),
                *root_routes(options.ollama_port),
                *page_routes(options.web),
            ]
        ),
        middleware=_middleware(paths, options, metrics),
        exception_handlers=error_handlers(paths),
        lifespan=lambda app: _living(app, services),
    )
    app.state.metrics, app.state.tapes, app.state.mcp = metrics, tapes, None
    return app


def _media(options: ApiOptions) -> MediaLoader:
    if not options.fetch_media:
        return MediaLoader()
    from coblyn.web_search.places import fetch_public  # its HTTP client takes a tenth of a second

    return MediaLoader(fetch=fetch_public)


def _web_search(options: ApiOptions) -> WebSearch | None:
    if not options.web_search:
        return None
    from coblyn.web_search.search import WebSearch  # its HTTP client takes a tenth of a second

    return WebSearch(options.web_search)


def _tool_servers(options: ApiOptions) -> ToolServers | None:
    return ToolServers(options.tool_servers, options.tool_limits) if options.tool_servers else None


@asynccontextmanager
async def _living(app: Starlette, services: Services) -> AsyncIterator[None]:
    """Unload idle models while the application runs, and close the services at its end."""
    demand = services.models.demand
    tending = asyncio.create_task(demand.tend()) if demand else None
    sweeping = asyncio.create_task(asyncio.to_thread(_sweep_sent))
    yield
    await sweeping
    if tending:
        tending.cancel()
    await services.picker.close()
    if app.state.mcp:
        await app.state.mcp.close()
    await app.state.tapes.close()
    await services.close_stories()
    if services.web:
        await services.web.close()
    if services.tool_servers:
        await services.tool_servers.close()


def _sweep_sent() -> None:
    from coblyn.models.sent import sweep  # not needed before the server is ready

    sweep()


def _middleware(paths: Paths, options: ApiOptions, metrics: Metrics) -> list[Middleware]:
    """The middleware, in the order that requests pass it."""
    cors = Middleware(
        CORSMiddleware,
        allow_origins=options.origins,
        allow_methods=["*"],
        allow_headers=["*"],
        allow_private_network=True,
        expose_headers=["x-coblyn-warnings", "x-coblyn-stream", "x-coblyn-seed", "x-request-id"],
    )
    return [
        Middleware(Observer, paths=paths, metrics=metrics),
        Middleware(CallerFinder, keys=options.keys, requires_key=options.requires_key),
        Middleware(OriginGuard, paths=paths, origins=options.origins),
        *([cors] if options.origins else []),
        Middleware(KeyGuard, paths=paths),
        Middleware(SuffixPaths, paths=paths),
    ]


def _routes(dialect: Dialect, services: Services, options: ApiOptions) -> list[StarletteRoute]:
    async def answer(known: Route | LateRoute, request: Request) -> Response:
        try:
            route = await _loaded(known)
            _check_scope(route)
            return await answered(Call(request, dialect, services, options, route))
        except CoblynError as error:
            return answer_error(dialect, request, error)

    return [_HeaderRoute(route, partial(answer, route)) for route in dialect.routes]


async def _loaded(route: Route | LateRoute) -> Route:
    """A route whose module is imported, without holding others up."""
    if isinstance(route, Route):
        return route
    is_there = route.module in sys.modules
    return route.load() if is_there else await asyncio.to_thread(route.load)


class _Endpoint:
    """A route's application. Errors that no dialect answers are left to the middleware for them."""

    def __init__(self, answer: Callable[[Request], Awaitable[Response]]) -> None:
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._answer(Request(scope, receive, send))
        await response(scope, receive, send)


class _HeaderRoute(StarletteRoute):
    """A route that only matches requests with its header, if it has one."""

    def __init__(
        self, route: Route | LateRoute, answer: Callable[[Request], Awaitable[Response]]
    ) -> None:
        super().__init__(route.path, _Endpoint(answer), methods=[route.method])
        self._header = route.header.encode()

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether a request matches."""
        has_header = not self._header or any(
            name == self._header for name, _ in scope.get("headers", ())
        )
        return super().matches(scope) if has_header else (Match.NONE, {})


def _check_scope(route: Route) -> None:
    caller = CALLER.get()
    if route.scope == "admin" and caller.scope != "admin":
        raise Forbidden(
            f"The key {caller.name} may not use {route.path}.",
            hint="Use a key of the scope admin: coblyn key add NAME --scope admin",
        )
