"""A client that drives an ASGI application directly and sees each message when it is sent.

The usual test clients give the body only after the application has returned, so that they can show
neither that a first token comes before the last is made, nor what happens when the client leaves.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass
class Exchange:
    """One request: an async context manager. Leaving it early is hanging up.

    ``patience`` is how many seconds each part of the answer may take; None waits for it, or the application's end.
    """

    app: Any
    method: str
    path: str
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    client: tuple[str, int] | None = ("127.0.0.1", 50000)
    patience: float | None = 30
    status: int = 0
    answer_headers: dict[str, str] = field(default_factory=dict)

    async def __aenter__(self) -> Self:
        self._sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._has_left = asyncio.Event()
        self._has_body_been_read = False
        self._task = asyncio.create_task(self.app(self._scope(), self._receive, self._sent.put))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.hang_up()

    async def hang_up(self) -> None:
        """Leave, and wait until the application has noticed."""
        self._has_left.set()
        await asyncio.wait_for(self._task, self.patience)

    async def next(self) -> bytes | None:
        """The next part of the body as it was sent, None at the end."""
        while True:
            message = await asyncio.wait_for(self._next_message(), self.patience)
            if message["type"] == "http.response.start":
                self.status = message["status"]
                self.answer_headers = {k.decode(): v.decode() for k, v in message["headers"]}
            elif message["body"] or message.get("more_body"):
                return bytes(message["body"])
            else:
                return None

    async def all(self) -> bytes:
        """The rest of the body."""
        parts = []
        while (part := await self.next()) is not None:
            parts.append(part)
            if self.answer_headers.get("content-length") == str(sum(map(len, parts))):
                break
        return b"".join(parts)

    async def _receive(self) -> dict[str, Any]:
        if not self._has_body_been_read:
            self._has_body_been_read = True
            return {"type": "http.request", "body": self.body, "more_body": False}
        await self._has_left.wait()
        return {"type": "http.disconnect"}

    async def _next_message(self) -> dict[str, Any]:
        getter = asyncio.ensure_future(self._sent.get())
        await asyncio.wait((getter, self._task), return_when=asyncio.FIRST_COMPLETED)
        if getter.done() or not self._sent.empty():
            return await getter
        getter.cancel()
        self._task.result()  # what the application raised, if it did
        raise AssertionError("the application returned without an end of the body")

    def _scope(self) -> dict[str, Any]:
        headers = {"host": "localhost", "content-length": str(len(self.body))} | self.headers
        path, _, query = self.path.partition("?")
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": self.method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(k.encode(), v.encode()) for k, v in headers.items()],
            "client": self.client,
            "server": ("127.0.0.1", 5001) if self.client else ("/run/coblyn.sock", None),
        }


@dataclass(frozen=True)
class Reply:
    """A whole answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Client:
    """Requests to one application; ``client`` is where they come from, None for a UNIX socket."""

    app: Any
    client: tuple[str, int] | None = ("127.0.0.1", 50000)
    patience: float | None = 30

    def open(self, method: str, path: str, body: Any = None, **headers: str) -> Exchange:
        """A request whose answer is read piece by piece. Header names have underscores."""
        raw = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        names = {k.replace("_", "-"): v for k, v in headers.items()}
        return Exchange(self.app, method, path, raw, names, self.client, self.patience)

    async def send(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """A request and its whole answer."""
        async with self.open(method, path, body, **headers) as exchange:
            content = await exchange.all()
            return Reply(exchange.status, exchange.answer_headers, content)

    async def get(self, path: str, **headers: str) -> Reply:
        return await self.send("GET", path, **headers)

    async def post(self, path: str, body: Any = None, **headers: str) -> Reply:
        return await self.send("POST", path, body, **headers)
