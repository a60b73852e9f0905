"""The engine in a process of its own: started, spoken to, and started again when it dies.

A crash of the native library costs the requests that were running, and the time of a load; the server lives on.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import sys
import time
from asyncio.subprocess import PIPE
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import asdict
from typing import Any

from coblyn.engine import wire
from coblyn.engine.config import EngineConfig
from coblyn.engine.events import Event
from coblyn.engine.interface import EngineStatus, ModelInfo
from coblyn.engine.mailbox import Mailboxes
from coblyn.engine.pipes import Pipes
from coblyn.engine.request import Request
from coblyn.errors import CoblynError, EngineRestarted, EngineStopped, error_from_code
from coblyn.llama.environment import engine_environment

__all__ = ["ProcessEngine"]

log = logging.getLogger(__name__)

MAX_DEATHS = 3
"""So many deaths within ``DEATH_WINDOW`` seconds, and the engine is not started again."""

DEATH_WINDOW = 60.0

STOP_SECONDS = 5.0
"""How long a process may take to end before it is killed."""


class ProcessEngine:
    """An ``EngineClient`` whose engine is a child process. Use it on one event loop.

    Args:
        config: What to load, and how.
        advance: Told of the loaded fraction, 0 to 1.
    """

    def __init__(
        self, config: EngineConfig, advance: Callable[[float], None] | None = None
    ) -> None:
        self._config = config
        self._advance = advance
        self._mailboxes = Mailboxes(config.max_running + config.max_waiting)
        self._calls: dict[int, asyncio.Future[Any]] = {}
        self._next_call = itertools.count()
        self._deaths: deque[float] = deque(maxlen=MAX_DEATHS)
        self._errors: deque[str] = deque(maxlen=20)
        self._num_restarts = 0
        self._state = "loading"
        self._pipes: Pipes | None = None
        self._info: ModelInfo | None = None
        self._failure: CoblynError | None = None
        self._settled = asyncio.Event()
        self._supervisor: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the process and wait until the model is loaded.

        Raises:
            CoblynError: The model could not be loaded.
        """
        self._supervisor = asyncio.create_task(self._supervise(), name="coblyn-engine-supervisor")
        await self._until_ready()

    @property
    def info(self) -> ModelInfo:
        """Facts of the model; only after it was loaded once."""
        assert self._info is not None, "start() comes first"
        return self._info

    @property
    def pid(self) -> int:
        """Process id of the engine, 0 while there is none."""
        return self._pipes.pid if self._pipes else 0

    def status(self) -> EngineStatus:
        """What it is doing now."""
        running = min(len(self._mailboxes), self._config.max_running)
        waiting = len(self._mailboxes) - running
        return EngineStatus(self._state, running, waiting, self._num_restarts)

    async def generate(self, request: Request) -> AsyncGenerator[Event, None]:
        """Start a request and give its events; see ``EngineClient.generate``."""
        await self._until_ready()
        conversation = self._mailboxes.converse(request, self._submit, self._send_cancel)
        async with contextlib.aclosing(conversation) as events:
            async for event in events:
                yield event

    async def cancel(self, request_id: str) -> None:
        """End a request early."""
        self._send_cancel(request_id)

    async def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> list[int]:
        """Token ids of a text."""
        return list(await self._call("tokenize", text, add_special, parse_special))

    async def detokenize(self, tokens: Sequence[int], *, special: bool) -> bytes:
        """Bytes of tokens."""
        return bytes(await self._call("detokenize", list(tokens), special))

    async def close(self) -> None:
        """Stop the process; requests that run end as cancelled."""
        if self._state == "stopped" and self._supervisor is None:
            return
        self._enter("stopping")
        self._send("stop")
        if self._supervisor:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._supervisor), STOP_SECONDS)
            if self._pipes:
                self._pipes.kill()
            await self._supervisor
            self._supervisor = None

    # Frames out

    def _send(self, *items: Any) -> None:
        if self._pipes:
            self._pipes.send(*items)

    def _submit(self, request: Request) -> None:
        self._send("submit", wire.request_to_wire(request))

    def _send_cancel(self, request_id: str) -> None:
        self._send("cancel", request_id)

    async def _call(self, name: str, *arguments: Any) -> Any:
        await self._until_ready()
        call = next(self._next_call)
        future = self._calls[call] = asyncio.get_running_loop().create_future()
        try:
            self._send(name, call, *arguments)
            return await future
        finally:
            del self._calls[call]

    async def _until_ready(self) -> None:
        await self._settled.wait()
        if self._state != "ready":
            raise self._failure or EngineStopped("The engine was closed.")

    # Frames in

    def _receive(self, frame: tuple[Any, ...]) -> None:
        kind, *values = frame
        match kind:
            case "events":
                self._mailboxes.deliver(wire.event_from_wire(items) for items in values[0])
            case "answer":
                self._resolve(values[0]).set_result(values[1])
            case "error":
                call, code, message, hint = values
                self._resolve(call).set_exception(error_from_code(code, message, hint=hint))
            case "loading":
                if self._advance:
                    self._advance(values[0])
            case "ready":
                self._info = wire.info_from_wire(values[0])
                self._enter("ready")
            case "failed":
                code, message, hint = values
                self._failure = error_from_code(code, message, hint=hint)

    def _resolve(self, call: int) -> asyncio.Future[Any]:
        # A caller that has left waits for its answer no more.
        future = self._calls.get(call)
        if future is None or future.done():
            return asyncio.get_running_loop().create_future()
        return future

    # The life of the process

    def _enter(self, state: str) -> None:
        self._state = state
        if state in ("ready", "stopping", "stopped"):
            self._settled.set()
        else:
            self._settled.clear()

    async def _supervise(self) -> None:
        while self._state in ("loading", "restarting"):
            self._bury(await self._live_once())

    async def _live_once(self) -> int | None:
        """The life of one process; its exit code."""
        self._failure = None
        _, self._pipes = await asyncio.get_running_loop().subprocess_exec(
            lambda: Pipes(self._receive, self._note),
            sys.executable,
            "-m",
            "coblyn.engine.worker",
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env=engine_environment(),
        )
        self._send("load", asdict(self._config))
        code = await self._pipes.wait()
        self._pipes = None
        return code

    def _note(self, line: str) -> None:
        self._errors.append(line)
        log.debug("engine process: %s", line)

    def _bury(self, code: int | None) -> None:
        """Tell everybody who waited, and decide what comes next."""
        was_ready = self._state == "ready"
        if self._state == "stopping":
            self._end("stopped", EngineStopped("The engine was closed."))
            return
        if not was_ready and self._failure:
            self._end("stopped", self._failure)
            return
        reason = _death(code, self._failure, self._errors)
        log.error("the engine process died: %s", reason)
        now = time.monotonic()
        self._deaths.append(now)
        if not was_ready or (
            len(self._deaths) == MAX_DEATHS and now - self._deaths[0] < DEATH_WINDOW
        ):
            self._failure = EngineStopped(
                f"The engine died: {reason}.",
                hint="It is not started again, since it died too often. Start Coblyn again, "
                "with other settings or another model.",
            )
            self._end("stopped", self._failure)
            return
        self._num_restarts += 1
        self._end("restarting", _restarted(reason))

    def _end(self, state: str, error: CoblynError) -> None:
        self._enter(state)
        self._mailboxes.fail_all(error)
        for future in self._calls.values():
            if not future.done():
                future.set_exception(error)


def _restarted(reason: str) -> EngineRestarted:
    return EngineRestarted(
        f"The engine restarted while it worked on this request: {reason}.", hint="Send it again."
    )


def _death(code: int | None, failure: CoblynError | None, errors: Sequence[str]) -> str:
    if failure:
        return failure.message.rstrip(".")
    how = (
        f"it was ended by signal {-code}" if code is not None and code < 0 else f"exit code {code}"
    )
    last = next((line for line in reversed(errors) if line.strip()), "")
    return f"{how} ({last})" if last else how
