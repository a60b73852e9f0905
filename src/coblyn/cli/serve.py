"""``coblyn serve``: the page and all APIs over one model."""

from __future__ import annotations

import contextlib
import gc
import ipaddress
import socket
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from coblyn.cli import options
from coblyn.cli.engine import configure
from coblyn.cli.loop import run_loop

if TYPE_CHECKING:
    from coblyn.engine.config import EngineConfig
    from coblyn.engine.interface import EngineClient
    from coblyn.engine.machine import Machine
    from coblyn.engine.verdict import Verdict
    from coblyn.settings import Settings

__all__ = ["serve"]


def serve(
    model: options.Model = None,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option("--port", "-p", help="Port; 0 for any.")] = None,
    origin: Annotated[
        list[str] | None,
        typer.Option("--origin", help="Web origin that may call the API from a browser."),
    ] = None,
    context: options.Context = None,
    threads: options.Threads = None,
    gpu_layers: options.GpuLayers = None,
    cache_type: options.CacheType = None,
    flash_attention: options.FlashAttention = None,
    accel: options.Accel = None,
    max_running: Annotated[
        int | None, typer.Option("--max-running", help="Requests that are written at a time.")
    ] = None,
    max_waiting: Annotated[
        int | None, typer.Option("--max-waiting", help="Requests that may wait.")
    ] = None,
    config: options.Config = None,
    yes: options.Yes = False,
    fake: Annotated[
        bool, typer.Option("--fake", help="Serve a scripted engine: no model, no build.")
    ] = False,
) -> None:
    """Serve a model: the writing page, and KoboldAI's and OpenAI's API."""
    from coblyn.settings import Settings

    settings = Settings.load(
        config,
        {
            "host": host,
            "port": port,
            "origins": tuple(origin) if origin else None,
            "context": context,
            "threads": threads,
            "gpu_layers": gpu_layers,
            "cache_type": cache_type,
            "flash_attention": flash_attention,
            "accel": accel,
            "max_running": max_running,
            "max_waiting": max_waiting,
        },
    )
    # The port is taken first: who waits for a build and a load must not learn at the end that it was in use.
    with _bind(settings.host, settings.port) as listener:
        run_loop(_serve(settings, _engine_config(settings, model, fake=fake, yes=yes), listener))


def _engine_config(settings: Settings, model: str | None, *, fake: bool, yes: bool) -> EngineConfig:
    if not fake:
        return configure(settings, model, yes=yes)
    from coblyn.engine.config import EngineConfig

    return EngineConfig(
        model="", max_running=settings.max_running, max_waiting=settings.max_waiting
    )


def _bind(host: str, port: int) -> socket.socket:
    from coblyn.errors import PortInUse, SettingsError

    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )[0]
    except OSError as error:
        raise SettingsError(f"{host} is no address to listen on: {error.strerror}.") from error
    if not ipaddress.ip_address(address[0]).is_loopback:
        raise SettingsError(
            f"{host} can be reached from other machines, and Coblyn listens only on this machine for now.",
            hint="Keep the default host. Listening elsewhere comes together with API keys.",
        )
    listener = socket.socket(family, kind, protocol)
    try:
        if sys.platform != "win32":  # there it would let two servers share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise PortInUse(
            f"{host}:{port} can not be listened on: {error.strerror}.",
            hint="Stop the program that has the port, or choose another with --port.",
        ) from error
    return listener


async def _serve(settings: Settings, config: EngineConfig, listener: socket.socket) -> None:
    import asyncio

    from coblyn.cli.verdict import look
    from coblyn.engine.client import ProcessEngine
    from coblyn.engine.verdict import judge_load

    engine = ProcessEngine(config)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(engine.close)
        # While the engine loads, the web framework is imported, and the machine is looked at.
        _, make_app, machine = await asyncio.gather(
            engine.start(), asyncio.to_thread(_import_app), asyncio.to_thread(look, config.bundle)
        )
        app = make_app(engine, settings.origins, machine)
        gc.freeze()  # modules and routes stay to the end; the collector need not look at them
        verdict = judge_load(engine.info.placement, machine)
        await _listen(app, listener, _greeting(settings, listener, engine), verdict)


def _import_app() -> Any:
    import uvicorn  # noqa: F401 - so that it is there when it is needed

    from coblyn.api.app import create_app
    from coblyn.api.state import ApiOptions

    def make_app(engine: EngineClient, origins: tuple[str, ...], machine: Machine) -> Any:
        return create_app(engine, ApiOptions(origins=origins, machine=machine))

    return make_app


def _greeting(settings: Settings, listener: socket.socket, engine: Any) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"http://{host}:{listener.getsockname()[1]}"
    return f"Coblyn serves {engine.info.name} at {address}  ({engine.info.accelerator})"


async def _listen(app: Any, listener: socket.socket, greeting: str, verdict: Verdict) -> None:
    import uvicorn

    from coblyn.api.protocol import TimedProtocol
    from coblyn.cli.verdict import show

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            print(greeting, flush=True)
            show(verdict)

    server = Server(
        uvicorn.Config(
            app,
            http=TimedProtocol,
            ws="none",
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=3,
        )
    )
    await server.serve(sockets=[listener])
