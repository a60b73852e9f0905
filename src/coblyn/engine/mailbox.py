"""Delivers events to waiting coroutines and limits the queue; shared by all engine clients.

Use it on one event loop; nothing here blocks.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable

from coblyn.engine.encoded import PromptId
from coblyn.engine.events import Event, Failed
from coblyn.engine.request import Request
from coblyn.errors import Busy, CoblynError

__all__ = ["Mailboxes"]


class _Mailbox:
    """Events for one reader: a minimal ``asyncio.Queue`` for a single reader and without a limit."""

    __slots__ = ("_events", "_reader", "has_begun")

    def __init__(self) -> None:
        self.has_begun = False
        self._events: deque[Event] = deque()
        self._reader: asyncio.Future[None] | None = None

    def put(self, event: Event) -> None:
        self.has_begun = True
        self._events.append(event)
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    async def get(self) -> Event:
        while not self._events:
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        return self._events.popleft()


class Mailboxes:
    """One queue per active request.

    Args:
        capacity: Maximum number of active requests, running and waiting.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._boxes: dict[str, _Mailbox] = {}

    def __len__(self) -> int:
        return len(self._boxes)

    @property
    def capacity(self) -> int:
        """Maximum number of active requests."""
        return self._capacity

    async def converse(
        self,
        request: Request[PromptId],
        submit: Callable[[Request[PromptId]], None],
        cancel: Callable[[str], None],
    ) -> AsyncGenerator[Event, None]:
        """Submit a request and yield its events; cancel it if the caller leaves before the end.

        Raises:
            Busy: Too many requests are active.
            CoblynError: What a ``Failed`` event carries.
        """
        box = self._open(request)
        is_over = False
        try:
            submit(request)
            while not is_over:
                event = await box.get()
                is_over = event.is_last
                if isinstance(event, Failed):
                    raise event.error
                yield event
        finally:
            self._boxes.pop(request.id, None)
            if not is_over:
                cancel(request.id)

    def deliver(self, events: Iterable[Event]) -> None:
        """Put events into their queues; drop those of requests whose callers have left."""
        for event in events:
            # A finished request no longer counts, even if its reader is slow.
            find = self._boxes.pop if event.is_last else self._boxes.get
            box = find(event.request_id, None)
            if box is not None:
                box.put(event)

    def fail_all(self, error: CoblynError) -> None:
        """End every active request with an error."""
        self._fail(list(self._boxes), error)

    def refuse(self, error: CoblynError) -> None:
        """End every request that has had no event yet with an error."""
        self._fail([name for name, box in self._boxes.items() if not box.has_begun], error)

    def _fail(self, ids: Iterable[str], error: CoblynError) -> None:
        self.deliver([Failed.by(name, error) for name in ids])

    def _open(self, request: Request[PromptId]) -> _Mailbox:
        if len(self._boxes) >= self._capacity:
            raise Busy(
                f"{len(self._boxes)} requests are running or waiting, and the limit is {self._capacity}.",
                hint="Try again in a moment.",
            )
        assert request.id not in self._boxes, "request ids are unique"
        box = _Mailbox()
        self._boxes[request.id] = box
        return box
