"""Threads for short work, of which none may take long.

A thread cannot be ended from outside. One whose work takes too long is given up: its work fails, another thread takes
its place, and it ends by itself when it is done. So what it does must be bounded by other means too.
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
"""How often within the time limit the clock is looked at."""


class TookTooLong(EngineError):
    """Work was given up."""


class _Work:
    """Something to do: begun or not, done once, by the thread that does it or by the clock."""

    __slots__ = ("_lock", "began", "call", "future")

    def __init__(self, call: Callable[[], None]) -> None:
        self.call = call
        self.future: Future[None] = Future()
        self.began = 0.0
        self._lock = threading.Lock()

    def finish(self, error: BaseException | None) -> bool:
        """Say how it ended; False if that was said before."""
        with self._lock:
            if self.future.done():
                return False
            if error is None:
                self.future.set_result(None)
            else:
                self.future.set_exception(error)
            return True


class Workers:
    """A few threads.

    Args:
        name: Of the threads.
        num_threads: How much is done at a time.
        max_seconds: What one piece of work may take, from when it begins.
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
        """Have something done; the future raises ``TookTooLong`` if that is given up.

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
        """Let the threads end when they are done. Nobody waits for them."""
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
        """Do it; False if it was given up meanwhile, and this thread is no longer needed."""
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
        """Give up what takes too long; asleep while there is nothing to do."""
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
