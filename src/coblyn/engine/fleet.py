"""All engines of a server, which are ended together: the one that it began with, and those that came later."""

from __future__ import annotations

from collections.abc import Callable

from coblyn.engine.client import ProcessEngine
from coblyn.engine.config import EngineConfig
from coblyn.engine.exchange import EngineExchange
from coblyn.errors import EngineStopped

__all__ = ["Fleet"]


class Fleet:
    """Engines. Use it on one event loop.

    Args:
        first: The one that the server begins with.
        make: Makes an engine that is not started yet.

    Attributes:
        first: The same.
    """

    def __init__(
        self, first: EngineExchange, make: Callable[[EngineConfig], ProcessEngine]
    ) -> None:
        self.first = first
        self._make = make
        self._others: list[ProcessEngine] = []
        self._is_ending = False

    async def load(self, config: EngineConfig) -> ProcessEngine:
        """Start another engine.

        Raises:
            EngineStopped: The server is stopping.
            CoblynError: Its model could not be loaded.
        """
        if self._is_ending:
            raise EngineStopped("The server is stopping.")
        engine = self._make(config)
        self._others.append(engine)  # so that it ends with the server even while it loads
        try:
            await engine.start()
        except BaseException:
            await self.release(engine)
            raise
        return engine

    async def release(self, engine: ProcessEngine) -> None:
        """Close an engine that ``load`` gave."""
        await engine.close()
        if engine in self._others:
            self._others.remove(engine)

    @property
    def _all(self) -> list[EngineExchange | ProcessEngine]:
        return [self.first, *self._others]

    def drain(self) -> None:
        """Take nothing more on, and refuse what has not begun; what runs goes on."""
        self._is_ending = True
        for engine in self._all:
            engine.drain()

    def abandon(self) -> None:
        """End what still runs with an error."""
        for engine in self._all:
            engine.abandon()

    def kill(self) -> None:
        """End all processes at once, from wherever this is called."""
        for engine in self._all:
            engine.kill()

    async def close(self) -> None:
        """Stop every process; requests that run end as cancelled."""
        self._is_ending = True
        for engine in self._all:
            await engine.close()
