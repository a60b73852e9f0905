"""An application on a real socket, for clients that are real programs."""

from __future__ import annotations

import asyncio
import faulthandler
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

from coblyn.api.app import create_app
from coblyn.api.protocol import TimedProtocol
from coblyn.api.state import ApiOptions
from coblyn.engine.interface import Runner
from coblyn.engine.local import LocalEngine


@contextmanager
def serve(
    make_runner: Callable[[], Runner],
    *,
    options: ApiOptions | None = None,
    http: type[TimedProtocol] = TimedProtocol,
    **limits: int,
) -> Iterator[str]:
    """Serve an engine on a free port, from a thread with its own event loop; gives the address."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        ready = threading.Event()
        servers: list[uvicorn.Server] = []

        async def run() -> None:
            engine = LocalEngine(make_runner, **limits)
            config = uvicorn.Config(
                create_app(engine, options), lifespan="off", log_level="warning", http=http
            )
            server = uvicorn.Server(config)
            servers.append(server)
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            while not server.started and not serving.done():  # noqa: ASYNC110 - not our flag
                await asyncio.sleep(0.005)
            ready.set()
            await serving
            await engine.close()

        thread = threading.Thread(target=lambda: asyncio.run(run()), name="live-server")
        thread.start()
        try:
            assert ready.wait(30), "the server did not start"
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            servers[0].should_exit = True
            thread.join(30)
            if thread.is_alive():
                faulthandler.dump_traceback()
                raise AssertionError(f"the server did not stop: {_unfinished(servers[0])}")


def _unfinished(server: uvicorn.Server) -> str:
    """What it still waits for: its connections, with the request of each, and its tasks."""
    connections = [
        (each.cycle.scope["path"], each.cycle.response_complete, each.transport.is_closing())
        if isinstance(each, TimedProtocol) and each.cycle
        else each
        for each in list(server.server_state.connections)
    ]
    return f"{connections}, {list(server.server_state.tasks)}"
