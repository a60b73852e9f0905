"""The web application: all dialects and the page over one engine."""

from __future__ import annotations

from collections.abc import Iterable

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.middleware.cors import CORSMiddleware

from coblyn import __version__
from coblyn.api import health
from coblyn.api.docs import install_docs
from coblyn.api.errors import install_error_handlers
from coblyn.api.kobold import routes as kobold
from coblyn.api.openai import routes as openai
from coblyn.api.origins import OriginGuard
from coblyn.api.page import page_router
from coblyn.api.paths import SuffixPaths
from coblyn.api.state import ApiOptions
from coblyn.engine.interface import EngineClient
from coblyn.service.services import make_services

__all__ = ["create_app"]

DESCRIPTION = "Text from the model that is loaded, over KoboldAI's and over OpenAI's API."


def create_app(engine: EngineClient, options: ApiOptions | None = None) -> FastAPI:
    """The application over an engine. The caller owns the engine and closes it.

    Args:
        engine: What generates; its model is loaded.
        options: What a user may choose.
    """
    options = options or ApiOptions()
    app = FastAPI(
        title="Coblyn", version=__version__, description=DESCRIPTION, docs_url=None, redoc_url=None
    )
    app.state.options = options
    app.state.services = make_services(engine)
    routers = (kobold.router, openai.router, health.router)
    for router in routers:
        app.include_router(router)
    install_docs(app)
    app.include_router(page_router(options.web))
    install_error_handlers(app)
    # The last that is added sees a request first.
    app.add_middleware(OriginGuard, origins=options.origins)
    app.add_middleware(SuffixPaths, routes=_methods(routers))
    if options.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=options.origins,
            allow_methods=["*"],
            allow_headers=["*"],
            allow_private_network=True,
            expose_headers=["x-coblyn-warnings"],
        )
    return app


def _methods(routers: Iterable[APIRouter]) -> dict[str, set[str]]:
    """Methods of each API path that has no parts to fill in."""
    methods: dict[str, set[str]] = {}
    for route in (route for router in routers for route in router.routes):
        if isinstance(route, APIRoute) and "{" not in route.path:
            methods.setdefault(route.path, set()).update(route.methods or ())
    return methods
