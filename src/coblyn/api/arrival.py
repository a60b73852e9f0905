"""What is sent to a client that wants a stream from a model that is not loaded yet: signs of life, second by second.

A handler is left by ``ModelComes`` before it loads anything, and called once more when the model is there. Only if that
takes long, the answer begins before it: its status is 200 then, and an error comes as the stream's last part.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from coblyn.api.problem import Problem
from coblyn.api.stream import while_connected
from coblyn.errors import Cancelled, CoblynError
from coblyn.progress import Progress

if TYPE_CHECKING:
    from coblyn.api.call import Call
    from coblyn.service.demand import Demand
    from coblyn.service.models import LoadedModel

__all__ = ["ModelComes", "answered"]

_PATIENCE = 1.0
"""Seconds after which an answer begins without the model; and between two signs of life."""


class ModelComes(Exception):
    """A stream is wanted from a model that has to be loaded first.

    Attributes:
        name: As the request names it; empty where it names none.
        body: The request's body, which cannot be read twice.
    """

    def __init__(self, name: str, body: Mapping[str, Any]) -> None:
        super().__init__(name)
        self.name = name
        self.body = body


async def answered(call: Call) -> Response:
    """What a route's handler answers, or, while it has to wait for a model, a stream that goes on with it.

    Raises:
        CoblynError: What the handler raises, and what loading raises within a second.
    """
    try:
        return await call.route.handler(call)
    except ModelComes as comes:
        demand = call.services.models.demand
        assert demand, "it has said that the model comes"
        again, name, body = replace(call, held=comes.body), comes.name, comes.body
    coming = asyncio.create_task(demand.ready(name))
    coming.add_done_callback(_is_noticed)
    if not call.dialect.waiting(call.route.path, body, ""):
        await call.wait(asyncio.wait([coming]))  # its streams have no parts that say nothing
    elif not (await call.wait(asyncio.wait([coming], timeout=_PATIENCE)))[0]:
        return _Arrival(again, demand, name, coming)
    coming.result()
    return await call.route.handler(again)


class _Arrival(Response):
    """A stream that begins before its model is loaded.

    Args:
        call: The request, whose body was read.
        demand: What loads.
        name: The model's.
        coming: Its load, which goes on if the client leaves.
    """

    def __init__(
        self, call: Call, demand: Demand, name: str, coming: asyncio.Task[LoadedModel | None]
    ) -> None:
        super().__init__(
            headers={"cache-control": "no-cache", "x-accel-buffering": "no"},
            media_type=call.dialect.framing.media_type,
        )
        del self.headers["content-length"]
        self._call = call
        self._demand = demand
        self._name = name
        self._coming = coming

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Say how far the model is, then what its answer says."""
        try:
            await while_connected(receive, self._wait(send))
            answer = await self._call.route.handler(self._call)
        except Cancelled:
            return  # nobody is left to be told
        except CoblynError as error:
            await _write(send, self._call.dialect.error_part(Problem.of(error)))
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        await answer(scope, receive, _without_start(send))

    async def _wait(self, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        while not self._coming.done():
            progress = await self._demand.progress(self._name)
            await _write(send, self._remark(_told(progress)))
            await asyncio.wait([self._coming], timeout=_PATIENCE)
        self._coming.result()

    def _remark(self, text: str) -> bytes:
        assert self._call.held is not None, "its body was read"
        return self._call.dialect.waiting(self._call.route.path, self._call.held, text)


def _is_noticed(coming: asyncio.Task[LoadedModel | None]) -> None:
    """A client that left is not told of a failure, which is no reason for asyncio to complain."""
    if not coming.cancelled():
        coming.exception()


def _told(progress: Progress) -> str:
    if not progress.total:
        return progress.phase
    return f"{progress.phase}: {progress.done * 100 // progress.total} %"


async def _write(send: Send, part: bytes) -> None:
    await send({"type": "http.response.body", "body": part, "more_body": True})


def _without_start(send: Send) -> Send:
    """Sends all but the start of an answer, which was sent already."""

    async def rest(message: Message) -> None:
        if message["type"] != "http.response.start":
            await send(message)

    return rest
