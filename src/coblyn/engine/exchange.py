"""Replaces one engine by another while requests run; each request ends with the engine it began with."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence

from coblyn.engine.client import ProcessEngine
from coblyn.engine.config import EngineConfig
from coblyn.engine.encoded import Encoded, PromptId, Source
from coblyn.engine.events import Event
from coblyn.engine.fleet import Fleet
from coblyn.engine.interface import NO_MODEL, EngineStatus, ModelInfo
from coblyn.engine.media import RawMedia
from coblyn.engine.params import SamplingParams
from coblyn.engine.request import Request
from coblyn.engine.stage_view import StageView
from coblyn.engine.state import StateInfo, StateOrder
from coblyn.errors import Busy, CoblynError, EngineStopped, ModelError

__all__ = ["EngineExchange"]

log = logging.getLogger(__name__)


class EngineExchange:
    """An ``EngineClient`` whose engine can be replaced. Use it on one event loop.

    Args:
        config: Configuration of the first engine.
        fleet: The fleet that its processes belong to.
        fits: Says whether a model fits beside the one that is loaded.
        drain_seconds: Seconds that running requests get when an engine has to end before the next one loads.
        is_empty: Whether to start without a model, until ``replace`` loads one.

    Attributes:
        fleet: The same.
    """

    def __init__(
        self,
        config: EngineConfig,
        fleet: Fleet,
        *,
        fits: Callable[[EngineConfig], bool],
        drain_seconds: float = 60.0,
        is_empty: bool = False,
    ) -> None:
        self._fits = fits
        self._drain_seconds = drain_seconds
        self._config = config
        self.fleet = fleet
        self._engine = fleet.add(config)
        self._others: set[ProcessEngine] = set()
        self._coming: ProcessEngine | None = None
        self._awaited = ""
        self._retiring: set[asyncio.Task[None]] = set()
        self._changing = asyncio.Lock()
        self._is_there = asyncio.Event()
        self._is_there.set()
        self._is_unloaded = is_empty
        self._has_left = asyncio.Event()
        self._num_users: Counter[ProcessEngine] = Counter()

    async def start(self) -> None:
        """Start the first engine, unless it starts empty.

        Raises:
            CoblynError: Its model could not be loaded.
        """
        if not self._is_unloaded:
            await self._engine.start()

    @property
    def config(self) -> EngineConfig:
        """Requested configuration of the current engine, or of the last one."""
        return self._config

    @property
    def info(self) -> ModelInfo:
        """Facts about the current model, or the last one."""
        return self._engine.info if self._engine.was_ready else NO_MODEL

    @property
    def capacity(self) -> int:
        """Maximum number of requests that it accepts at a time."""
        return self._engine.capacity

    @property
    def pid(self) -> int:
        """Process id of the engine; 0 while there is none."""
        return self._engine.pid

    def status(self) -> EngineStatus:
        """What it is doing now."""
        status = self._engine.status()
        if self._is_unloaded:
            return EngineStatus(
                "unloaded",
                0,
                0,
                status.num_restarts,
                failure=str(_unloaded()),
                loaded=self.loaded,
                coming=self._awaited,
            )
        if not self._is_there.is_set():
            return EngineStatus(
                "loading", 0, 0, status.num_restarts, loaded=self.loaded, coming=self._awaited
            )
        return status

    @property
    def loaded(self) -> float:
        """Loaded fraction, 0 to 1, of the model being loaded; if none is, of the current one."""
        return (self._coming or self._engine).status().loaded

    async def generate(self, request: Request[PromptId]) -> AsyncGenerator[Event, None]:
        """Start a request and give its events; see ``EngineClient.generate``."""
        with self._using(await self._current()) as engine:
            async with contextlib.aclosing(engine.generate(request)) as events:
                async for event in events:
                    yield event

    async def cancel(self, request_id: str) -> None:
        """Cancel a request, in whichever engine it runs."""
        for engine in (self._engine, *self._others):
            await engine.cancel(request_id)

    async def end_thinking(self, request_id: str) -> None:
        """End a request's reasoning, in whichever engine it runs."""
        for engine in (self._engine, *self._others):
            await engine.end_thinking(request_id)

    async def encode(self, source: Source) -> Encoded:
        """Tokenize, and keep the prompt; see ``EngineClient.encode``."""
        with self._using(await self._current()) as engine:
            return await engine.encode(source)

    async def unknown_media(self, digests: Sequence[bytes]) -> list[bytes]:
        """Digests of images and sounds that it does not have; see ``EngineClient.unknown_media``."""
        with self._using(await self._current()) as engine:
            return await engine.unknown_media(digests)

    async def show(self, media: RawMedia) -> int:
        """Send it an image or a sound; see ``EngineClient.show``."""
        with self._using(await self._current()) as engine:
            return await engine.show(media)

    async def foresee(self, prompt_id: PromptId) -> int:
        """Number of tokens of a prompt that are in memory; see ``EngineClient.foresee``."""
        with self._using(await self._current()) as engine:
            return await engine.foresee(prompt_id)

    async def look(
        self, prompt_id: PromptId, sampling: SamplingParams, max_count: int
    ) -> list[StageView]:
        """Candidates for the token after a prompt; see ``EngineClient.look``."""
        with self._using(await self._current()) as engine:
            return await engine.look(prompt_id, sampling, max_count)

    async def detokenize(self, tokens: Sequence[int], *, special: bool) -> bytes:
        """Bytes of tokens."""
        with self._using(await self._current()) as engine:
            return await engine.detokenize(tokens, special=special)

    async def embed(self, prompts: Sequence[Encoded]) -> list[bytes]:
        """Vectors of texts; see ``EngineClient.embed``."""
        with self._using(await self._current()) as engine:
            return await engine.embed(prompts)

    async def handle_state(self, order: StateOrder) -> StateInfo:
        """Inspect, save, restore or erase states; see ``EngineClient.handle_state``."""
        with self._using(await self._current()) as engine:
            return await engine.handle_state(order)

    async def add_adapter(self, text: str) -> None:
        """Load another adapter; see ``EngineClient.add_adapter``."""
        with self._using(await self._current()) as engine:
            await engine.add_adapter(text)

    async def replace(self, config: EngineConfig) -> None:
        """Load another model, or the same one with other settings, and make it the current one.

        If both fit in memory, the old engine answers until the new one is ready, and stays if loading fails. Otherwise
        its requests are given time to end, new ones wait, and it is started again if loading fails. While an engine
        loads in place of one that has stopped, requests wait too.

        Raises:
            Busy: Another change is under way.
            CoblynError: The new engine could not be started.
        """
        async with self._change():
            if not self._is_unloaded and self._engine.status().state == "stopped":
                await self._replace_stopped(config)
            elif not self._is_unloaded and await asyncio.to_thread(self._fits, config):
                await self._replace_beside(config)
            else:
                await self._replace_after(config)

    async def unload(self) -> None:
        """End the engine once its requests have ended; requests are refused until another model is loaded.

        Raises:
            Busy: Another change is under way.
        """
        async with self._change():
            if not self._is_unloaded:
                with self._awaiting(""):
                    await self._retire(self._engine)
                    self._is_unloaded = True

    async def close(self) -> None:
        """Stop its processes; running requests end as cancelled."""
        for task in self._retiring:
            task.cancel()
        await asyncio.gather(*self._retiring, return_exceptions=True)
        for engine in (self._engine, *self._others):
            await self.fleet.release(engine)

    async def _current(self) -> ProcessEngine:
        await self._is_there.wait()
        if self._is_unloaded:
            raise _unloaded()
        return self._engine

    @contextlib.contextmanager
    def _using(self, engine: ProcessEngine) -> Iterator[ProcessEngine]:
        self._num_users[engine] += 1
        try:
            yield engine
        finally:
            self._num_users[engine] -= 1
            self._has_left.set()

    @contextlib.asynccontextmanager
    async def _change(self) -> AsyncGenerator[None, None]:
        self.fleet.require_open()
        if self._changing.locked():
            raise Busy("Another model is being loaded.", hint="Try again when it is loaded.")
        async with self._changing:
            yield

    @contextlib.contextmanager
    def _awaiting(self, model: str) -> Iterator[None]:
        """Let requests wait for a model, of that file."""
        self._is_there.clear()
        self._awaited = model
        try:
            yield
        finally:
            self._awaited = ""
            self._is_there.set()

    async def _replace_beside(self, config: EngineConfig) -> None:
        try:
            new = await self._started(config)
        except ModelError:
            raise  # it cannot be loaded anywhere
        except CoblynError as error:
            log.warning("Beside the model that is loaded there was no room: %s", error.message)
            await self._replace_after(config)
            return
        self._put(new, config)

    def _put(self, new: ProcessEngine, config: EngineConfig) -> None:
        """Make an engine the current one; the old one ends when its requests have ended."""
        old, self._engine, self._config = self._engine, new, config
        self._others.add(old)
        task = asyncio.create_task(self._retire(old), name="coblyn-engine-retires")
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    async def _replace_stopped(self, config: EngineConfig) -> None:
        with self._awaiting(config.model):
            self._put(await self._started(config), config)

    async def _replace_after(self, config: EngineConfig) -> None:
        with self._awaiting(config.model):
            if not self._is_unloaded:
                await self._retire(self._engine)
            try:
                self._engine, self._config = await self._started(config), config
            except CoblynError:
                if not self._is_unloaded:
                    self._engine = await self._started(self._config)
                raise
            self._is_unloaded = False

    async def _started(self, config: EngineConfig) -> ProcessEngine:
        self._coming = self.fleet.add(config)
        try:
            await self.fleet.start(self._coming)
            return self._coming
        finally:
            self._coming = None

    async def _retire(self, engine: ProcessEngine) -> None:
        """Close an engine when its requests have ended, or their time is up."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._drain_seconds):
                while self._num_users[engine]:
                    self._has_left.clear()
                    await self._has_left.wait()
        await self.fleet.release(engine)
        self._others.discard(engine)
        del self._num_users[engine]


def _unloaded() -> EngineStopped:
    return EngineStopped(
        "No model is loaded.",
        hint="Choose one on the page, or load one: POST /api/coblyn/models/load with its name.",
    )
