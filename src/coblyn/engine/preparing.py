"""Prepares requests on separate threads, so that a slow one does not stall the streams.

Requests keep their order of arrival, but none waits longer than ``PATIENCE`` for an earlier one.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from coblyn.engine.interface import Prepared
from coblyn.engine.prompt import Prompt
from coblyn.engine.request import Request
from coblyn.errors import CoblynError, EngineError

__all__ = ["PATIENCE", "Preparation", "Preparing"]

PATIENCE = 0.05
"""Seconds of preparation after which later requests overtake a request."""

_NUM_THREADS = 4
"""Number of threads, which is the number of slow requests at which quick ones have to wait."""

log = logging.getLogger(__name__)


class Preparation:
    """A request being prepared for the engine thread.

    Attributes:
        request: The request.
        result: What the runner prepared, or the error; None until then, or if it was cancelled first.
        is_cancelled: Whether its caller cancelled it. Only the engine thread sets it, and decides by it.
    """

    __slots__ = ("_began", "_earlier", "_has_left", "is_cancelled", "request", "result")

    def __init__(self, request: Request[Prompt], earlier: Preparation | None) -> None:
        self.request = request
        self.result: Prepared | CoblynError | None = None
        self.is_cancelled = False
        self._earlier = earlier
        self._began = time.monotonic()
        self._has_left = threading.Event()

    def prepare(self, prepare: Callable[[Request[Prompt]], Prepared]) -> None:
        """Prepare the request; an error fails this request only."""
        try:
            if not self.is_cancelled:
                self.result = prepare(self.request)
        except CoblynError as error:
            self.result = error
        except BaseException as error:
            log.exception("a request could not be prepared")
            self.result = EngineError(f"The request could not be prepared: {error!r}.")

    def wait_for_earlier(self) -> None:
        """Wait for the previous request, unless it is slow."""
        earlier, self._earlier = self._earlier, None
        if earlier is not None:
            earlier.wait_until_late()

    def wait_until_late(self) -> None:
        """Wait until this request has left, or is so late that others overtake it."""
        self._has_left.wait(max(0.0, self._began + PATIENCE - time.monotonic()))

    def leave(self) -> None:
        """Let the next request go."""
        self._has_left.set()

    def discard(self) -> None:
        """Free the prepared resources of a request that will not run."""
        if self.result is not None and not isinstance(self.result, CoblynError):
            self.result.close()


class Preparing:
    """A pool of threads that prepare requests.

    Args:
        prepare: Called on one of the threads.
        hand_over: Called on the same thread afterwards, also after an error; must not block.
    """

    def __init__(
        self,
        prepare: Callable[[Request[Prompt]], Prepared],
        hand_over: Callable[[Preparation], None],
    ) -> None:
        self._prepare = prepare
        self._hand_over = hand_over
        self._pool = ThreadPoolExecutor(_NUM_THREADS, "coblyn-prepare")
        self._lock = threading.Lock()
        self._latest: Preparation | None = None
        self._under_way: dict[str, Preparation] = {}
        self._is_closed = False

    def add(self, request: Request[Prompt]) -> bool:
        """Start preparing a request; when closed, do nothing and give False."""
        with self._lock:
            if self._is_closed:
                return False
            preparation = Preparation(request, self._latest)
            self._latest = self._under_way[request.id] = preparation
            self._pool.submit(self._run, preparation)
        return True

    def take(self, preparation: Preparation) -> None:
        """Record that a request has arrived on the engine thread."""
        with self._lock:
            if self._under_way.get(preparation.request.id) is preparation:
                del self._under_way[preparation.request.id]

    def cancel(self, request_id: str) -> bool:
        """Cancel a request that has not arrived yet. Gives whether there was one."""
        with self._lock:
            preparation = self._under_way.pop(request_id, None)
            if preparation is None:
                return False
            preparation.is_cancelled = True
            return True

    def request_ids(self) -> list[str]:
        """The ids of all requests that have not arrived yet."""
        with self._lock:
            return list(self._under_way)

    def close(self) -> None:
        """Accept no more requests, and wait until all others are handed over."""
        with self._lock:
            self._is_closed = True
        self._pool.shutdown()

    def _run(self, preparation: Preparation) -> None:
        preparation.prepare(self._prepare)
        preparation.wait_for_earlier()
        self._hand_over(preparation)
        preparation.leave()
