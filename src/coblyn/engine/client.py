"""The engine in a separate process, which is restarted when it dies or hangs.

A crash of the native library costs the running requests and the time to load the model again; the server goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import replace
from functools import partial
from threading import Event as Signal

import msgspec

from coblyn.crash import Crash, read_crash
from coblyn.engine import process, wire
from coblyn.engine.config import EngineConfig
from coblyn.engine.death import Death, Explain, explain_plainly
from coblyn.engine.encoded import Encoded, PromptId, Source
from coblyn.engine.events import Event
from coblyn.engine.interface import EngineStatus, ModelInfo
from coblyn.engine.mailbox import Mailboxes
from coblyn.engine.media import RawMedia
from coblyn.engine.params import SamplingParams
from coblyn.engine.pipes import Pipes
from coblyn.engine.prompt import pack_ids
from coblyn.engine.pulse import BEAT_SECONDS, Pulse
from coblyn.engine.request import Request
from coblyn.engine.revival import Revival
from coblyn.engine.stage_view import StageView
from coblyn.engine.state import StateInfo, StateOrder
from coblyn.engine.texts import batches, require_lengths
from coblyn.errors import Cancelled, CoblynError, EngineStopped, error_from_code

__all__ = ["ProcessEngine"]

log = logging.getLogger(__name__)

STOP_SECONDS = 2.0
"""Seconds that a process may take to end before it is killed."""


Fit = Callable[[EngineConfig, Signal], EngineConfig]
"""Adapts a configuration to the available memory. It may block, until the signal is set: then nobody wants it."""


def _as_wished(config: EngineConfig, _: Signal) -> EngineConfig:
    return config


class ProcessEngine:
    """An ``EngineClient`` whose engine is a child process. Use it on one event loop.

    Args:
        config: What to load, and how.
        advance: Called with the loaded fraction, 0 to 1.
        explain: Names the instruction that crashed it.
        fit: Called when the engine is started.
    """

    def __init__(
        self,
        config: EngineConfig,
        advance: Callable[[float], None] | None = None,
        explain: Explain = explain_plainly,
        fit: Fit = _as_wished,
    ) -> None:
        self._config = config
        self._advance = advance
        self._explain = explain
        self._fit = fit
        self._mailboxes = Mailboxes(config.max_running + config.max_waiting)
        self._calls: dict[int, asyncio.Future[wire.Told]] = {}
        self._next_call = itertools.count()
        self._revival = Revival(config.model)
        self._pulse = Pulse(config.hang_seconds, config.step_seconds)
        self._lines: deque[str] = deque(maxlen=40)
        self._crash: Crash | None = None
        self._hang = ""
        self._death: Death | None = None
        self._num_restarts = 0
        self._loaded, self._is_up = 0.0, False
        self._state = "loading"
        self._unwanted = Signal()
        self._pipes: Pipes | None = None
        self._info: ModelInfo | None = None
        self._failure: CoblynError | None = None
        self._wanted = asyncio.Event()
        self._settled = asyncio.Event()
        self._supervisor: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the process and wait until the model is loaded.

        Raises:
            EngineStopped: It was closed meanwhile.
            CoblynError: The model could not be loaded, or memory has no room for it.
        """
        await self._fit_memory()
        self._supervisor = asyncio.create_task(self._supervise(), name="coblyn-engine-supervisor")
        await self._until_ready()

    async def _fit_memory(self) -> None:
        try:
            self._config = await asyncio.to_thread(self._fit, self._config, self._unwanted)
            if self._unwanted.is_set():
                raise self._failure or _closed()
        except Cancelled:
            raise self._failure or _closed() from None
        finally:
            self._unwanted.set()  # the thread goes on when this task is cancelled

    @property
    def info(self) -> ModelInfo:
        """Facts about the model; available once it has been loaded."""
        assert self._info is not None, "start() comes first"
        return self._info

    @property
    def config(self) -> EngineConfig:
        """What it loads, and how; once started, as adapted to the available memory."""
        return self._config

    @property
    def was_ready(self) -> bool:
        """Whether its model has been loaded at least once."""
        return self._info is not None

    @property
    def pid(self) -> int:
        """Process id of the engine; 0 while there is none."""
        return self._pipes.pid if self._pipes else 0

    @property
    def capacity(self) -> int:
        """Maximum number of requests that it accepts at a time."""
        return self._mailboxes.capacity

    def status(self) -> EngineStatus:
        """What it is doing now."""
        running = min(len(self._mailboxes), self._config.max_running)
        waiting = len(self._mailboxes) - running
        state = "not responding" if self._state == "ready" and self._pulse.is_quiet else self._state
        failure = str(self._failure) if state == "stopped" and self._failure else ""
        return EngineStatus(
            state,
            running,
            waiting,
            self._num_restarts,
            self._death,
            failure,
            self.pid,
            self._loaded,
        )

    async def generate(self, request: Request[PromptId]) -> AsyncGenerator[Event, None]:
        """Start a request and give its events; see ``EngineClient.generate``."""
        await self._until_ready()
        conversation = self._mailboxes.converse(request, self._submit, self._send_cancel)
        async with contextlib.aclosing(conversation) as events:
            async for event in events:
                yield event

    async def cancel(self, request_id: str) -> None:
        """End a request early."""
        self._send_cancel(request_id)

    async def end_thinking(self, request_id: str) -> None:
        """End a request's reasoning, so that it answers."""
        self._send(wire.EndThinking(request_id))

    async def encode(self, source: Source) -> Encoded:
        """Tokenize, and keep the prompt; see ``EngineClient.encode``."""
        encoded = await self._call(lambda call: wire.Encode(call, source))
        assert isinstance(encoded, Encoded), "the answer has the type that was asked for"
        return encoded

    async def unknown_media(self, digests: Sequence[bytes]) -> list[bytes]:
        """Digests of images and sounds that it does not have; see ``EngineClient.unknown_media``."""
        unknown = await self._call(lambda call: wire.Seek(call, list(digests)))
        assert isinstance(unknown, list), "the answer has the type that was asked for"
        return unknown

    async def show(self, media: RawMedia) -> int:
        """Send it an image or a sound; see ``EngineClient.show``."""
        number = await self._call(lambda call: wire.Show(call, media))
        assert isinstance(number, int), "the answer has the type that was asked for"
        return number

    async def foresee(self, prompt_id: PromptId) -> int:
        """Number of tokens of a prompt that are in memory; see ``EngineClient.foresee``."""
        number = await self._call(lambda call: wire.Foresee(call, prompt_id))
        assert isinstance(number, int), "the answer has the type that was asked for"
        return number

    async def look(
        self, prompt_id: PromptId, sampling: SamplingParams, max_count: int
    ) -> list[StageView]:
        """Candidates for the token after a prompt; see ``EngineClient.look``."""
        packed = await self._call(lambda call: wire.Look(call, prompt_id, sampling, max_count))
        assert isinstance(packed, bytes), "the answer has the type that was asked for"
        return wire.unpack_views(packed)

    async def detokenize(self, tokens: Sequence[int], *, special: bool) -> bytes:
        """Bytes of tokens."""
        ids = pack_ids(tokens)
        text = await self._call(lambda call: wire.Detokenize(call, ids, special))
        assert isinstance(text, bytes), "the answer has the type that was asked for"
        return text

    async def embed(self, prompts: Sequence[Encoded]) -> list[bytes]:
        """Vectors of texts; see ``EngineClient.embed``."""
        require_lengths(prompts, self.info.context_train)
        vectors: list[bytes] = []
        for batch in batches([prompt.num_tokens for prompt in prompts]):
            names = [prompts[index].id for index in batch]
            found = await self._call(partial(_embed_frame, names))
            assert isinstance(found, list), "the answer has the type that was asked for"
            vectors += found
        return vectors

    async def handle_state(self, order: StateOrder) -> StateInfo:
        """Inspect, save, restore or erase states; see ``EngineClient.handle_state``."""
        told = await self._call(lambda call: wire.State(call, order))
        assert isinstance(told, bytes), "the answer has the type that was asked for"
        return msgspec.msgpack.decode(told, type=StateInfo)

    async def add_adapter(self, text: str) -> None:
        """Load another adapter; it is loaded again when the process is restarted."""
        await self._call(lambda call: wire.AddAdapter(call, text))
        self._config = replace(self._config, added_adapters=(*self._config.added_adapters, text))

    def drain(self) -> None:
        """Accept no more requests and refuse those that have not begun; running requests go on."""
        if self._state in ("stopping", "stopped"):
            return
        self._failure = EngineStopped(
            "The server is stopping.", hint="Send the request again when it is back."
        )
        self._unwanted.set()
        self._enter("stopping")
        self._mailboxes.refuse(self._failure)

    def abandon(self) -> None:
        """End running requests with an error."""
        self._end("stopping", self._failure or _closed())

    def kill(self) -> None:
        """End the process at once. Any thread may call."""
        self._unwanted.set()
        if self._pipes:
            self._pipes.kill()

    async def close(self) -> None:
        """Stop the process; running requests end as cancelled."""
        self._unwanted.set()
        self._failure = self._failure or _closed()
        self._enter("stopping" if self._supervisor else "stopped")
        if self._supervisor is None:
            return
        self._wanted.set()
        if self._is_up and not self._pulse.is_quiet:
            self._send(wire.Stop())
        else:
            self.kill()  # it reads nothing while it loads
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._supervisor), STOP_SECONDS)
        self.kill()
        await self._supervisor
        self._supervisor = None
        self._enter("stopped")

    # Frames out

    def _send(self, frame: wire.ToEngine) -> None:
        if self._pipes:
            self._pipes.send(frame)

    def _submit(self, request: Request[PromptId]) -> None:
        self._send(wire.Submit(request))

    def _send_cancel(self, request_id: str) -> None:
        self._send(wire.Cancel(request_id))

    async def _call(self, question: Callable[[int], wire.ToEngine]) -> wire.Told:
        await self._until_ready()
        call = next(self._next_call)
        future: asyncio.Future[wire.Told] = asyncio.get_running_loop().create_future()
        self._calls[call] = future
        try:
            self._send(question(call))
            return await future
        finally:
            del self._calls[call]

    async def _until_ready(self) -> None:
        if self._state == "stopped" and self._supervisor and self._revival.is_due:
            self._num_restarts += 1
            self._enter("restarting")
            self._wanted.set()
        await self._settled.wait()
        if self._state != "ready":
            raise self._failure or _closed()

    # Frames in

    def _receive(self, frame: wire.FromEngine) -> None:
        self._pulse.hear(frame.age if isinstance(frame, wire.Pong) else None)
        match frame:
            case wire.Events(events):
                self._mailboxes.deliver(events)
            case wire.Answer(call, value):
                self._resolve(call).set_result(value)
            case wire.Refusal(call, code, message, hint, field):
                error = error_from_code(code, message, hint=hint, field=field)
                self._resolve(call).set_exception(error)
            case wire.Loading(fraction):
                self._loaded = fraction
                if self._advance:
                    self._advance(fraction)
            case wire.Ready(info):
                self._info, self._loaded, self._is_up = info, 1.0, True
                self._lines.clear()
                if self._state != "stopping":
                    self._enter("ready")
            case wire.Broken(code, message, hint):
                self._failure = error_from_code(code, message, hint=hint)

    def _resolve(self, call: int) -> asyncio.Future[wire.Told]:
        # A caller that has left no longer waits for its answer.
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
        while self._state != "stopping":
            if self._state != "stopped":
                self._bury(await self._live_once())
            elif self._info is None:  # it never ran: start() has raised the error
                return
            else:
                await self._wanted.wait()
                self._wanted.clear()

    async def _live_once(self) -> int | None:
        """Run one process until it ends; gives its exit code."""
        self._failure, self._crash, self._hang = None, None, ""
        self._loaded, self._is_up = 0.0, False
        self._lines.clear()
        self._pulse = Pulse(self._config.hang_seconds, self._config.step_seconds)
        self._pipes = Pipes(process.take(), self._receive, self._note)
        await self._pipes.open()
        self._send(wire.Load(self._config))
        watch = asyncio.create_task(self._watch(self._pipes), name="coblyn-engine-watch")
        try:
            return await self._pipes.wait()
        finally:
            watch.cancel()
            self._pipes = None

    async def _watch(self, pipes: Pipes) -> None:
        """Ping it once a second, and kill it when it hangs."""
        while not self._hang:
            pipes.send(wire.Ping())
            await asyncio.sleep(BEAT_SECONDS)
            self._hang = self._pulse.beat()
        pipes.kill()

    def _note(self, line: str) -> None:
        crash = read_crash(line)
        if crash:
            self._crash = crash
        else:
            self._lines.append(line)
        log.debug("engine process: %s", line)

    def _bury(self, code: int | None) -> None:
        """Fail all waiting requests, and decide whether to restart."""
        if self._state == "stopping":
            self._end("stopping", self._failure or _closed())
            return
        self._death = death = self._certify(code)
        if self._info is None:
            self._end("stopped", death.failure or death.error())
        elif self._revival.is_at_once(death):
            log.error("The engine died: %s. It is being restarted.", death.reason)
            self._num_restarts += 1
            self._end("restarting", death.error())
        else:
            error = death.stopped(self._revival.when)
            log.error("%s", error)
            self._end("stopped", error)

    def _certify(self, code: int | None) -> Death:
        """What is known about the end of a process."""
        return Death(
            code,
            self._config.model,
            was_ready=self._state == "ready",
            crash=self._crash,
            instruction=self._explain(self._crash) if self._crash else "",
            failure=self._failure,
            hang=self._hang,
            log=tuple(self._lines),
        )

    def _end(self, state: str, error: CoblynError) -> None:
        self._failure = error
        self._enter(state)
        self._mailboxes.fail_all(error)
        for future in self._calls.values():
            if not future.done():
                future.set_exception(error)


def _embed_frame(prompt_ids: list[str], call: int) -> wire.Embed:
    return wire.Embed(call, prompt_ids)


def _closed() -> EngineStopped:
    return EngineStopped("The engine was closed.")
