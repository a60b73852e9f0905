"""Clients that end their connection in the middle of a stream that is written faster than they read."""

from __future__ import annotations

import json
import logging
import socket
import struct
import time
from functools import partial
from urllib.parse import urlsplit

import httpx
import pytest

from coblyn.engine.fake import FakeRunner
from live_server import serve

_RESET = struct.pack("ii", 1, 0)


def abort_in_the_middle(host: str, port: int, path: str) -> None:
    """Ask for a long stream, read its beginning, and reset the connection."""
    body = json.dumps({"prompt": "a" * 400, "max_tokens": 4000, "stream": True}).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection((host, port), timeout=10) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        connection.sendall(head.encode() + body)
        assert connection.recv(64).startswith(b"HTTP/1.1 200 ")


def test_nothing_is_logged_when_clients_abort(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with serve(partial(FakeRunner, repeats=True, most_steps=8)) as url:
        parts = urlsplit(url)
        for path in ("/v1/completions", "/api/extra/generate/stream") * 10:
            abort_in_the_middle(parts.hostname or "", parts.port or 0, path)
        end = time.monotonic() + 10
        while httpx.get(f"{url}/health").json()["running"]:
            assert time.monotonic() < end, "what was aborted still runs"
            time.sleep(0.01)
    assert [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING] == []
