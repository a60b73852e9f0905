"""Handles Ctrl-C and SIGTERM: the first signal stops the server gracefully, the second at once."""

from __future__ import annotations

import os
import signal
from asyncio import AbstractEventLoop
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

__all__ = ["Stop"]

_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name)
)


class Stop:
    """Handles these signals within its ``with`` block, which must run on the main thread.

    Args:
        loop: The event loop on which ``ask`` is called.
        ask: Called at the first signal; it may be replaced while the block runs.
        force: Called at the second, in the signal's handler, right before the process ends.

    Attributes:
        signal: The first signal received; 0 before.
    """

    def __init__(
        self, loop: AbstractEventLoop, ask: Callable[[], object], force: Callable[[], object]
    ) -> None:
        self.ask = ask
        self.signal = 0
        self._loop = loop
        self._force = force
        self._earlier: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self._earlier = {number: signal.signal(number, self._handle) for number in _SIGNALS}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._earlier.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if self.signal:
            os.write(2, b"coblyn: stopped at once.\n")
            self._force()
            os._exit(128 + number)
        self.signal = number
        self._loop.call_soon_threadsafe(self.ask)
