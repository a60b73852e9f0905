"""All engine processes of a server; they end together."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

from coblyn.engine.client import ProcessEngine
from coblyn.engine.config import EngineConfig
from coblyn.errors import EngineStopped

__all__ = ["Fleet"]


class Fleet:
    """Engine processes. Use it on one event loop.

    Args:
        make: Makes an engine without starting it.

    Attributes:
        ending: Set once the server is stopping and loads nothing more.
    """

    def __init__(self, make: Callable[[EngineConfig], ProcessEngine]) -> None:
        self._make = make
        self._engines: list[ProcessEngine] = []
        self.ending = Event()

    @property
    def engines(self) -> tuple[ProcessEngine, ...]:
        """All of them, started or not."""
        return tuple(self._engines)

    def add(self, config: EngineConfig) -> ProcessEngine:
        """Make an engine without starting it; it ends with the others."""
        engine = self._make(config)
        self._engines.append(engine)
        return engine

    async def start(self, engine: ProcessEngine) -> None:
        """Start an engine that ``add`` made; if that fails, release it.

        Raises:
            EngineStopped: The server is stopping.
            CoblynError: Its model could not be loaded.
        """
        try:
            self.require_open()
            await engine.start()
        except BaseException:
            await self.release(engine)
            raise

    async def load(self, config: EngineConfig) -> ProcessEngine:
        """Add an engine and start it. Raises what ``start`` raises."""
        engine = self.add(config)
        await self.start(engine)
        return engine

    async def release(self, engine: ProcessEngine) -> None:
        """Close an engine; a second call does nothing."""
        await engine.close()
        if engine in self._engines:
            self._engines.remove(engine)

    def require_open(self) -> None:
        """Raise an error once the server is stopping.

        Raises:
            EngineStopped: The server is stopping.
        """
        if self.ending.is_set():
            raise EngineStopped("The server is stopping.")

    def drain(self) -> None:
        """Accept no more requests and refuse those that have not begun; running requests go on."""
        self.ending.set()
        for engine in self._engines:
            engine.drain()

    def abandon(self) -> None:
        """End running requests with an error."""
        for engine in self._engines:
            engine.abandon()

    def kill(self) -> None:
        """End all processes at once. Any thread may call."""
        for engine in tuple(self._engines):
            engine.kill()

    async def close(self) -> None:
        """Stop every process; running requests end as cancelled."""
        self.ending.set()
        for engine in tuple(self._engines):
            await self.release(engine)
