"""A thread pool for short work, with a time limit.

A thread cannot be killed. If its work takes too long it is abandoned: the work fails, another thread takes its place,
and the old one ends when its work is done. So the work must also be bounded by other means.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

from coblyn.errors import EngineError

__all__ = ["TookTooLong", "Workers"]

_CHECKS = 8
"""Number of clock checks per time limit."""


class TookTooLong(EngineError):
    """Work exceeded its time limit and was abandoned."""


class _Work:
    """A piece of work, finished exactly once: by the thread that does it or by the time limit."""

    __slots__ = ("_lock", "began", "call", "future")

    def __init__(self, call: Callable[[], None]) -> None:
        self.call = call
        self.future: Future[None] = Future()
        self.began = 0.0
        self._lock = threading.Lock()

    def finish(self, error: BaseException | None) -> bool:
        """Set the result; False if it was set before."""
        with self._lock:
            if self.future.done():
                return False
            if error is None:
                self.future.set_result(None)
            else:
                self.future.set_exception(error)
            return True


class Workers:
    """A pool of threads.

    Args:
        name: Name of the threads.
        num_threads: Maximum number of pieces of work done concurrently.
        max_seconds: Maximum duration of one piece of work, from its beginning.
    """

    def __init__(self, name: str, num_threads: int, max_seconds: float) -> None:
        self._name = name
        self._num_threads = num_threads
        self._max_seconds = max_seconds
        self._waiting: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._running: set[_Work] = set()
        self._lock = threading.Lock()
        self._is_busy = threading.Event()
        self._is_closed = False
        self._has_started = False
        self.num_given_up = 0

    def submit(self, call: Callable[[], None]) -> Future[None]:
        """Submit work; the future raises ``TookTooLong`` if the work is abandoned.

        The future cannot be cancelled.
        """
        work = _Work(call)
        work.future.set_running_or_notify_cancel()
        if not self._has_started:
            self._start()
        self._waiting.put(work)
        self._is_busy.set()
        return work.future

    def close(self) -> None:
        """Let the threads end when their work is done, without waiting for them."""
        self._is_closed = True
        for _ in range(self._num_threads):
            self._waiting.put(None)
        self._is_busy.set()

    def _start(self) -> None:
        with self._lock:
            if self._has_started:
                return
            self._has_started = True
        for _ in range(self._num_threads):
            self._start_thread(self._work)
        self._start_thread(self._watch)

    def _start_thread(self, target: Callable[[], None]) -> None:
        threading.Thread(target=target, name=self._name, daemon=True).start()

    def _work(self) -> None:
        while (work := self._waiting.get()) is not None:
            if not self._do(work):
                return

    def _do(self, work: _Work) -> bool:
        """Do the work; False if it was abandoned meanwhile and this thread is no longer needed."""
        work.began = time.monotonic()
        self._running.add(work)
        error: BaseException | None = None
        try:
            work.call()
        except BaseException as raised:  # noqa: BLE001 - the border of a thread: the future raises it
            error = raised
        self._running.discard(work)
        is_in_time = work.finish(error)
        if not is_in_time:
            with self._lock:
                self.num_given_up -= 1
        return is_in_time

    def _watch(self) -> None:
        """Abandon work that takes too long; sleeps while there is no work."""
        while not self._is_closed:
            self._is_busy.wait()
            self._is_busy.clear()
            while not self._is_closed and (self._running or not self._waiting.empty()):
                time.sleep(self._max_seconds / _CHECKS)
                self._give_up()

    def _give_up(self) -> None:
        latest = time.monotonic() - self._max_seconds
        for work in [each for each in self._running.copy() if each.began < latest]:
            self._running.discard(work)
            with self._lock:
                self.num_given_up += 1
            if work.finish(TookTooLong(f"It took more than {self._max_seconds:g} seconds.")):
                self._start_thread(self._work)
            else:
                with self._lock:
                    self.num_given_up -= 1
