"""Requests are prepared on threads of their own, so that one that takes long stalls no stream.

Order of arrival is kept among those that are ready soon: nobody waits longer than ``PATIENCE`` for an earlier one.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from coblyn.engine.interface import Prepared
from coblyn.engine.request import Request
from coblyn.errors import CoblynError, EngineError

__all__ = ["PATIENCE", "Preparation", "Preparing"]

PATIENCE = 0.05
"""Seconds that a request may take to be prepared before later ones overtake it."""

_NUM_THREADS = 4
"""So many slow requests at a time leave no thread for a quick one."""

log = logging.getLogger(__name__)


class Preparation:
    """A request on its way to the engine thread.

    Attributes:
        request: What is prepared.
        result: What a runner made of it, or why it could not; None until then, and when it was cancelled before.
        is_cancelled: Nobody wants it any longer. Only the engine thread sets and reads it for a decision.
    """

    __slots__ = ("_began", "_earlier", "_has_left", "is_cancelled", "request", "result")

    def __init__(self, request: Request, earlier: Preparation | None) -> None:
        self.request = request
        self.result: Prepared | CoblynError | None = None
        self.is_cancelled = False
        self._earlier = earlier
        self._began = time.monotonic()
        self._has_left = threading.Event()

    def prepare(self, prepare: Callable[[Request], Prepared]) -> None:
        """Do it; whatever goes wrong with that is nobody else's trouble."""
        try:
            if not self.is_cancelled:
                self.result = prepare(self.request)
        except CoblynError as error:
            self.result = error
        except BaseException as error:
            log.exception("a request could not be prepared")
            self.result = EngineError(f"The request could not be prepared: {error!r}.")

    def wait_for_earlier(self) -> None:
        """Let the one that came before go first, unless it takes long."""
        earlier, self._earlier = self._earlier, None
        if earlier is not None:
            earlier.wait_until_late()

    def wait_until_late(self) -> None:
        """Wait until it has left, or has taken so long that others overtake it."""
        self._has_left.wait(max(0.0, self._began + PATIENCE - time.monotonic()))

    def leave(self) -> None:
        """Let the one that came after go."""
        self._has_left.set()

    def discard(self) -> None:
        """Free what was prepared and will not run."""
        if self.result is not None and not isinstance(self.result, CoblynError):
            self.result.close()


class Preparing:
    """A few threads that make requests ready.

    Args:
        prepare: Called on one of them.
        hand_over: Called on the same one when that is done, or has failed; must not block.
    """

    def __init__(
        self, prepare: Callable[[Request], Prepared], hand_over: Callable[[Preparation], None]
    ) -> None:
        self._prepare = prepare
        self._hand_over = hand_over
        self._pool = ThreadPoolExecutor(_NUM_THREADS, "coblyn-prepare")
        self._lock = threading.Lock()
        self._latest: Preparation | None = None
        self._under_way: dict[str, Preparation] = {}
        self._is_closed = False

    def add(self, request: Request) -> bool:
        """Begin with a request; False, and nothing is done, when it is closed."""
        with self._lock:
            if self._is_closed:
                return False
            preparation = Preparation(request, self._latest)
            self._latest = self._under_way[request.id] = preparation
            self._pool.submit(self._run, preparation)
        return True

    def take(self, preparation: Preparation) -> None:
        """It has arrived on the engine thread."""
        with self._lock:
            if self._under_way.get(preparation.request.id) is preparation:
                del self._under_way[preparation.request.id]

    def cancel(self, request_id: str) -> bool:
        """End a request that has not arrived yet; whether there is one."""
        with self._lock:
            preparation = self._under_way.pop(request_id, None)
            if preparation is None:
                return False
            preparation.is_cancelled = True
            return True

    def request_ids(self) -> list[str]:
        """All requests that have not arrived yet."""
        with self._lock:
            return list(self._under_way)

    def close(self) -> None:
        """Take no more, and wait until all that began is handed over."""
        with self._lock:
            self._is_closed = True
        self._pool.shutdown()

    def _run(self, preparation: Preparation) -> None:
        preparation.prepare(self._prepare)
        preparation.wait_for_earlier()
        self._hand_over(preparation)
        preparation.leave()
