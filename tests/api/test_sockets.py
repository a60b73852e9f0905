"""What only shows on a real socket: requests that are too large, or never whole."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import pytest

from coblyn.api.body import part_deadline
from coblyn.api.protocol import TimedProtocol
from coblyn.api.state import ApiOptions
from coblyn.api.story.lists import in_parts
from coblyn.engine.fake import FakeRunner
from coblyn.service.stories import Stories
from coblyn.story.store.library import Listed, Shelf
from live_server import serve


class Impatient(TimedProtocol):
    """Gives up soon, yet not before a busy machine has read what was sent."""

    header_seconds = 1.0
    write_seconds = 0.2


@pytest.fixture
def address() -> Iterator[tuple[str, int]]:
    options = ApiOptions(max_body=1 << 20, body_seconds=0.2)
    with serve(FakeRunner, options=options, http=Impatient) as url:
        parts = urlsplit(url)
        yield parts.hostname or "", parts.port or 0


def exchange(address: tuple[str, int], sent: bytes) -> bytes:
    """All that the server answers until it closes the connection."""
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(sent)
        answer = b""
        while data := connection.recv(1 << 16):
            answer += data
        return answer


def request(size: int, body: bytes) -> bytes:
    head = f"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\n\r\n"
    return head.encode() + body


def test_a_body_that_is_too_large_and_sent_whole_is_answered(address: tuple[str, int]) -> None:
    body = json.dumps({"prompt": "a" * (3 << 20)}).encode()
    answer = exchange(address, request(len(body), body))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"1 MiB" in answer


def test_half_a_body_is_given_up(address: tuple[str, int]) -> None:
    answer = exchange(address, request(100, b'{"prompt": '))
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"Content-Length" in answer


def test_a_body_that_only_trickles_in_is_given_up(address: tuple[str, int]) -> None:
    with socket.create_connection(address, timeout=0.02) as connection:
        connection.sendall(request(10_000, b'{"prompt": "'))
        answer, num_sent = b"", 0
        while not answer and num_sent < 500:
            with suppress(TimeoutError):
                answer = connection.recv(1 << 16)
            if not answer:
                connection.sendall(b"a")
                num_sent += 1
    assert answer.startswith(b"HTTP/1.1 408 ")


def test_each_part_of_a_body_that_comes_fast_has_the_whole_time() -> None:
    assert part_deadline(100.0, 160.0, 1 << 20, 30.0) == 190.0
    assert part_deadline(100.0, 129.0, 29, 30.0) == pytest.approx(130.0, abs=0.1)


def test_half_the_headers_are_given_up(address: tuple[str, int]) -> None:
    assert exchange(address, b"GET /health HTTP/1.1\r\nHost: lo").startswith(b"HTTP/1.1 408 ")


def test_a_connection_that_says_nothing_is_closed(address: tuple[str, int]) -> None:
    assert exchange(address, b"") == b""


def test_a_second_request_on_a_connection_has_its_own_time(address: tuple[str, int]) -> None:
    first = b"GET /api/v1/model HTTP/1.1\r\nHost: localhost\r\n\r\n"
    answer = exchange(address, first + b"GET /health HT")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.count(b"HTTP/1.1") == 2
    assert b"HTTP/1.1 408 " in answer


def send_until_it_is_closed(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"\r\n")
        time.sleep(0.02)


def test_a_client_that_does_not_read_is_left(address: tuple[str, int]) -> None:
    """Requests on one connection, whose answers are more than the system keeps for a client."""
    asked = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 12)
        connection.settimeout(20)
        connection.connect(address)
        connection.sendall(asked * 80)
        with pytest.raises(ConnectionError):
            send_until_it_is_closed(connection)
    assert exchange(address, b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\nG").startswith(
        b"HTTP/1.1 200 "
    )


def test_a_list_whose_reader_stops_in_the_middle_is_ended(
    address: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    shelves = [Shelf(f"s{at}", "A title", "", 0, 0, 1, None, 2, "It." * 40) for at in range(60_000)]
    ended, num_parts = threading.Event(), 0

    async def listed(*_: object, **__: object) -> Listed:
        return Listed(shelves, len(shelves))

    async def noted(*arguments: Any) -> AsyncGenerator[bytes, None]:
        nonlocal num_parts
        try:
            async for part in in_parts(*arguments):
                num_parts += 1
                yield part
        finally:
            ended.set()

    monkeypatch.setattr(Stories, "listed", listed)
    monkeypatch.setattr("coblyn.api.story.lists.in_parts", noted)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 12)
        connection.settimeout(10)
        connection.connect(address)
        connection.sendall(b"GET /api/coblyn/stories HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(64).startswith(b"HTTP/1.1 200 ")
        assert ended.wait(10)
    assert 0 < num_parts < len(shelves) // 250
    health = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    assert exchange(address, health).startswith(b"HTTP/1.1 200 ")
