"""A real HTTP server on the loopback that can misbehave in the ways that servers do."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Shared:
    """One file on the server.

    Attributes:
        body: Its bytes.
        etag, date: Validators to send, if any.
        has_ranges: Whether ``Range`` is understood.
        statuses: Answer these first, one a request.
        cuts: Bytes to send before the connection is closed, one a request, while there are some.
        has_length: Whether ``Content-Length`` is sent.
        delay: Seconds between chunks of 64 KiB.
        silence: Seconds before the answer.
        headers: More headers.
        login: ``Authorization`` that is needed, if any.
    """

    body: bytes = b""
    etag: str = ""
    date: str = ""
    has_ranges: bool = True
    statuses: list[int] = field(default_factory=list)
    cuts: list[int] = field(default_factory=list)
    has_length: bool = True
    delay: float = 0.0
    silence: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)
    login: str = ""


@dataclass
class FileServer:
    url: str
    files: dict[str, Shared] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def add(self, path: str, body: bytes = b"", **how: object) -> str:
        self.files[path] = Shared(body, **how)  # type: ignore[arg-type]
        return self.url + path

    @property
    def ranges(self) -> list[str]:
        return [headers.get("range", "") for _, headers in self.requests]


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    timeout = 20

    def do_GET(self) -> None:
        self.close_connection = True
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.owner.requests.append((self.path, headers))
        shared = self.server.owner.files.get(self.path)
        with suppress(ConnectionError, TimeoutError):  # the client left
            self.answer(shared, headers)

    def answer(self, shared: Shared | None, headers: dict[str, str]) -> None:
        if shared is None:
            return self.head(404, {"Content-Length": "0"})
        time.sleep(shared.silence)
        if shared.login and headers.get("authorization") != shared.login:
            return self.head(401, {"Content-Length": "0"})
        if shared.statuses:
            return self.head(shared.statuses.pop(0), {"Content-Length": "0", **shared.headers})
        start = self.start_of(shared, headers)
        size = len(shared.body)
        if start and start >= size:
            return self.head(416, {"Content-Range": f"bytes */{size}", "Content-Length": "0"})
        fields = dict(shared.headers)
        if shared.etag:
            fields["ETag"] = shared.etag
        if shared.date:
            fields["Last-Modified"] = shared.date
        if shared.has_length:
            fields.setdefault("Content-Length", str(size - start))
        if start:
            fields["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
        self.head(206 if start else 200, fields)
        self.send_body(shared, start)
        return None

    def send_body(self, shared: Shared, start: int) -> None:
        end = len(shared.body)
        if shared.cuts:
            end = min(end, start + shared.cuts.pop(0))
        for at in range(start, end, 65536):
            self.wfile.write(shared.body[at : min(end, at + 65536)])
            time.sleep(shared.delay)

    def start_of(self, shared: Shared, headers: dict[str, str]) -> int:
        wanted = headers.get("range", "")
        if not wanted or not shared.has_ranges:
            return 0
        condition = headers.get("if-range")
        if condition is not None and condition not in (shared.etag, shared.date):
            return 0
        return int(wanted.removeprefix("bytes=").rstrip("-"))

    def head(self, status: int, fields: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    owner: FileServer


@contextmanager
def serve_files() -> Iterator[FileServer]:
    server = Server(("127.0.0.1", 0), Handler)
    server.owner = FileServer(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.owner
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
