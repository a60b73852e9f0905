"""Requests that no client sends by itself: each is answered or its connection is closed, and nobody else notices."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import socket
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest

from coblyn.api.protocol import TimedProtocol
from coblyn.api.state import ApiOptions
from coblyn.engine.fake import STORY, FakeRunner
from live_server import serve

Address = tuple[str, int]

HOST = b"Host: localhost\r\nConnection: close\r\n"
GET = b"GET /api/v1/model HTTP/1.1\r\n"
POST = b"POST /api/v1/generate HTTP/1.1\r\n"
BODY = b'{"prompt":"a","max_length":2}'
SIZED = b"Content-Length: 29\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
CHUNKS = b"1d\r\n" + BODY + b"\r\n0\r\n\r\n"
OFFER = b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQ\r\n"
SOCKET = (
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
HIDDEN = b"DELETE /hidden HTTP/1.1\r\nHost: localhost\r\n\r\n"


def get(path: bytes = b"/api/v1/model", more: bytes = b"", host: bytes = HOST) -> bytes:
    return b"GET " + path + b" HTTP/1.1\r\n" + host + more + b"\r\n"


def post(more: bytes, body: bytes, host: bytes = HOST) -> bytes:
    return POST + host + more + b"\r\n" + body


def sent(body: bytes) -> bytes:
    return post(b"Content-Length: %d\r\n" % len(body), body)


def named(host: bytes) -> bytes:
    return get(host=b"Host: " + host + b"\r\nConnection: close\r\n")


KINDS: dict[str, tuple[bytes, list[int]]] = {
    "smuggled by length and chunks": (post(SIZED + CHUNKED, b"0\r\n\r\n" + HIDDEN), [400]),
    "smuggled by chunks and length": (post(CHUNKED + SIZED, b"0\r\n\r\n" + HIDDEN), [400]),
    "two lengths": (post(SIZED + b"Content-Length: 5\r\n", BODY), [400]),
    "a list of lengths": (post(b"Content-Length: 29, 29\r\n", BODY), [400]),
    "a length with a sign": (post(b"Content-Length: +29\r\n", BODY), [400]),
    "a negative length": (post(b"Content-Length: -1\r\n", BODY), [400]),
    "a length in hexadecimal": (post(b"Content-Length: 0x1d\r\n", BODY), [400]),
    "a length beyond 64 bits": (post(b"Content-Length: %d\r\n" % 10**30, BODY), [400]),
    "a space before the colon": (post(b"Content-Length : 29\r\n", BODY), [400]),
    "chunked twice": (post(CHUNKED * 2, CHUNKS), [400]),
    "chunked, almost": (post(b"Transfer-Encoding: xchunked\r\n", CHUNKS), [400]),
    "chunked behind a control character": (
        post(b"Transfer-Encoding: \x0bchunked\r\n", CHUNKS),
        [400],
    ),
    "identity": (post(b"Transfer-Encoding: identity\r\n", BODY), [400]),
    "chunks": (post(CHUNKED, CHUNKS), [200]),
    "a chunk without a size": (post(CHUNKED, b"zz\r\n" + CHUNKS), [400]),
    "a chunk that is longer than it says": (
        post(CHUNKED, b"5\r\n" + BODY + b"\r\n0\r\n\r\n"),
        [400],
    ),
    "a chunk beyond 64 bits": (post(CHUNKED, b"f" * 18 + b"\r\n"), [400]),
    "a negative chunk": (post(CHUNKED, b"-1\r\n" + BODY), [400]),
    "chunks with bare line feeds": (post(CHUNKED, CHUNKS.replace(b"\r", b"")), [400]),
    "chunks and a trailer": (post(CHUNKED, CHUNKS[:-2] + b"Host: evil.example\r\n\r\n"), [200]),
    "bare line feeds": (get().replace(b"\r", b""), [400]),
    "a long header": (get(more=b"X: " + b"a" * (1 << 20) + b"\r\n"), [431]),
    "many headers": (get(more=b"".join(b"X-%d: a\r\n" % i for i in range(10_000))), [431]),
    "a long address": (get(b"/" + b"a" * (1 << 20)), [400, 431]),
    "a header that never ends": (GET + b"X: " + b"a" * (1 << 18), [431]),
    "a folded header": (get(more=b"X: a\r\n b\r\n"), [400]),
    "a header without a colon": (get(more=b"garbage\r\n"), [400]),
    "a header without a name": (get(more=b": a\r\n"), [400]),
    "a header with NUL": (get(more=b"X: a\x00b\r\n"), [400]),
    "a header with a bare return": (get(more=b"X: a\rY: b\r\n"), [400]),
    "a key that is no text": (get(more=b"Authorization: Bearer \xff\xfe\r\n"), [200]),
    "basic authorization that is none": (get(more=b"Authorization: Basic !!!!\r\n"), [200]),
    "no host": (GET + b"Connection: close\r\n\r\n", [200]),
    "two hosts": (get(more=b"Host: evil.example\r\n"), [400]),
    "another host": (named(b"evil.example"), [403]),
    "another host with a dot": (named(b"evil.example."), [403]),
    "this host with a dot": (named(b"localhost."), [200]),
    "a host that is no text": (named(b"\xff\xfe"), [403]),
    "half an address": (named(b"[::1"), [403]),
    "a whole address": (get(b"http://localhost/api/v1/model"), [200]),
    "a whole address of another host": (
        get(b"http://localhost/api/v1/model", host=b"Host: evil.example\r\nConnection: close\r\n"),
        [403],
    ),
    "a proxy's request": (b"CONNECT evil.example:443 HTTP/1.1\r\n" + HOST + b"\r\n", [400]),
    "all paths": (b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", [404, 405]),
    "a method of no kind": (b"ABC / HTTP/1.1\r\n" + HOST + b"\r\n", [400]),
    "a trace": (b"TRACE / HTTP/1.1\r\n" + HOST + b"\r\n", [404, 405]),
    "the preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00" * 9, [400]),
    "HTTP/3.7": (get().replace(b"1.1", b"3.7"), [400]),
    "HTTP/1.0": (b"GET /api/v1/model HTTP/1.0\r\n\r\n", [200]),
    "a handshake of TLS": (bytes.fromhex("16030100a5010000a10303") + b"\x00" * 160, [400]),
    "an offer of HTTP/2": (get(more=OFFER), [200]),
    "an offer of HTTP/2 with a body": (post(OFFER + SIZED, BODY), [200]),
    "an offer of HTTP/2 with chunks": (post(OFFER + CHUNKED, CHUNKS), [200]),
    "a web socket": (get(more=SOCKET), [200]),
    "a web socket and its first frame": (get(more=SOCKET) + b"\x81\x85\0\0\0\0hello", [200, 400]),
    "NUL in a path": (get(b"/hea\x00lth"), [400]),
    "NUL in a path, encoded": (get(b"/health%00"), [404]),
    "an encoding that is none": (get(b"/%zz%f"), [404]),
    "a path that is no text": (get(b"/%ff%fe/assets"), [404]),
    "a path upwards": (get(b"/assets/../../../../etc/passwd"), [404]),
    "a path upwards, encoded": (get(b"/assets/..%2f..%2f..%2f..%2fetc%2fpasswd"), [404]),
    "a path upwards, for Windows": (get(b"/assets/..%5c..%5cetc%5cpasswd"), [404]),
    "a query of no kind": (get(b"/api/v1/model?%ff=%zz&&&=&a[]=%00"), [200]),
    "a length beyond the limit, to be allowed first": (
        post(b"Content-Length: 999999999999\r\nExpect: 100-continue\r\n", b""),
        [413],
    ),
    "a body to be allowed first": (post(SIZED + b"Expect: 100-continue\r\n", BODY), [100, 200]),
    "a body beyond the limit": (sent(b"a" * (2 << 20)), [413]),
    "chunks beyond the limit": (
        post(CHUNKED, b"100000\r\n" + b"a" * (1 << 20) + b"\r\n" + CHUNKS),
        [413],
    ),
    "half a body": (post(b"Content-Length: 100\r\n", BODY), [408]),
    "half a chunk": (post(CHUNKED, b"ff\r\n" + BODY), [408]),
    "half a line": (GET[:-4], [408]),
    "a body that is no text": (sent(b'{"prompt":"\xff\xfe"}'), [400]),
    "a compressed body": (
        post(SIZED + b"Content-Encoding: gzip\r\n", b"\x1f\x8b" * 14 + b"\0"),
        [400],
    ),
    "lists in lists": (sent(b"[" * 100_000), [400]),
    "objects in objects": (sent(b'{"a":' * 100_000), [400]),
    "lists in lists, closed": (sent(b'{"a":' + b"[" * 99_999 + b"]" * 99_999 + b"}"), [400]),
    "not a number": (sent(b'{"prompt":"a","max_length":2,"temperature":NaN}'), [200]),
    "infinity": (sent(b'{"prompt":"a","max_length":-Infinity}'), [200, 400]),
    "a million digits": (sent(b'{"prompt":"a","max_length":' + b"9" * 10**6 + b"}"), [400]),
    "half a surrogate": (sent(b'{"prompt":"\\ud800","max_length":2}'), [200]),
    "half a surrogate as it is": (sent(b'{"prompt":"\xed\xa0\x80","max_length":2}'), [200]),
    "half a surrogate in UTF-16": (
        sent('{"prompt":"\\ud800","max_length":2}'.encode("utf-16")),
        [200],
    ),
    "one key twice": (sent(b'{"prompt":["x"],"prompt":"a","max_length":2}'), [200]),
    "ten thousand ranges": (get(b"/", b"Range: bytes=" + b"0-1," * 9_999 + b"0-2\r\n"), [200, 404]),
}
"""What is sent, and the statuses of all that is answered; of those with several, one is enough."""


class Impatient(TimedProtocol):
    """Gives up soon."""

    header_seconds = 0.3


@pytest.fixture(scope="module")
def address() -> Iterator[Address]:
    options = ApiOptions(max_body=1 << 20, body_seconds=0.3)
    with serve(FakeRunner, options=options, http=Impatient) as url:
        parts = urlsplit(url)
        yield parts.hostname or "", parts.port or 0


@pytest.fixture(scope="module")
def patient() -> Iterator[Address]:
    """For what is sent in parts, which a busy machine may send slowly."""
    with serve(FakeRunner) as url:
        parts = urlsplit(url)
        yield parts.hostname or "", parts.port or 0


def exchange(address: Address, data: bytes) -> bytes:
    """All that the server answers until it closes the connection."""
    answer = b""
    with socket.create_connection(address, timeout=30) as connection:
        try:
            connection.sendall(data)
            while part := connection.recv(1 << 16):
                answer += part
        except ConnectionError:  # it was closed before all was sent
            pass
    return answer


def statuses(answer: bytes) -> list[int]:
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]


@pytest.mark.parametrize("name", KINDS)
def test_each_kind(address: Address, name: str) -> None:
    data, expected = KINDS[name]
    answer = exchange(address, data)
    found = statuses(answer)
    assert found == expected or (len(found) == 1 and found[0] in expected), answer[:500]
    assert b"root:" not in answer


def test_a_body_with_an_offer_of_another_protocol_is_read(patient: Address) -> None:
    """As Java's HTTP client sends all its requests, in parts and several on a connection."""
    with socket.create_connection(patient, timeout=30) as connection:
        for _ in range(2):
            head = post(OFFER + SIZED, b"", host=b"Host: localhost\r\n")
            for part in (head[:50], head[50:], BODY[:7], BODY[7:]):
                connection.sendall(part)
            answer = b""
            while not answer.endswith(b"}"):
                answer += connection.recv(1 << 16)
            assert answer.startswith(b"HTTP/1.1 200 ")
            text = json.loads(answer.split(b"\r\n\r\n")[1])["results"][0]["text"]
            assert text == STORY[:2]


def test_a_hundred_at_once_on_a_connection(patient: Address) -> None:
    first = get(host=b"Host: localhost\r\n")
    assert statuses(exchange(patient, first * 99 + get())) == [200] * 100


def test_a_thousand_offers_of_another_protocol_on_a_connection(patient: Address) -> None:
    first = get(b"/health%00", b"Upgrade: h2c\r\nConnection: Upgrade\r\n", b"Host: localhost\r\n")
    assert statuses(exchange(patient, first * 1000 + get())) == [404] * 1000 + [200]


def test_what_follows_a_request_and_is_none_leaves_no_fault_of_ours(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The loop that serves where it is installed raises an error at a write to what is closed."""
    uvloop = pytest.importorskip("uvloop")

    def run(main: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main)

    monkeypatch.setattr(asyncio, "run", run)
    log = logging.getLogger("uvicorn.error")
    with serve(FakeRunner) as url:
        log.addHandler(caplog.handler)
        parts = urlsplit(url)
        address = (parts.hostname or "", parts.port or 0)
        first = get(host=b"Host: localhost\r\n")
        for _ in range(20):
            assert statuses(exchange(address, first * 3 + b"garbage\r\n\r\n")) == [400]
        log.removeHandler(caplog.handler)
    assert not [each for each in caplog.records if each.levelno >= logging.ERROR]


def mutated(data: bytes, chance: random.Random) -> bytes:
    """A request with one to three of its bytes or lines changed, lost, doubled or moved."""
    for _ in range(chance.randint(1, 3)):
        at, end = sorted(chance.randrange(len(data) + 1) for _ in range(2))
        end = min(end, at + 40)
        match chance.randrange(5):
            case 0:
                data = data[:at] + chance.randbytes(chance.randint(1, 4)) + data[end:]
            case 1:
                data = data[:at] + data[at:end] * 2 + data[end:]
            case 2:
                data = data[:at] + data[end:]
            case 3:
                lines = data.split(b"\r\n")
                chance.shuffle(lines)
                data = b"\r\n".join(lines)
            case _:
                data = (
                    data[:at] + chance.choice([b"\r\n", b"\0", b":", b" ", b"%", b"{"]) + data[at:]
                )
    return data


def storm(address: Address, count: int) -> None:
    """Send changed requests, while somebody else streams."""
    chance = random.Random(20_31)
    small = [data for data, _ in KINDS.values() if len(data) < 5_000]
    requests = [mutated(chance.choice(small), chance) for _ in range(count)]
    body = b'{"prompt":"a","max_length":120}'
    stream = b"POST /api/extra/generate/stream HTTP/1.1\r\n" + HOST + b"Content-Length: 31\r\n\r\n"
    answers: list[bytes] = []
    streaming = threading.Thread(target=lambda: answers.append(exchange(address, stream + body)))
    streaming.start()
    with ThreadPoolExecutor(32) as pool:
        found = list(pool.map(lambda data: exchange(address, data), requests))
    streaming.join()
    for data, answer in zip(requests, found, strict=True):
        assert all(status < 500 for status in statuses(answer)), (data, answer[:500])
    lines = [line[6:] for line in answers[0].split(b"\n") if line.startswith(b"data: {")]
    text = "".join(json.loads(line)["token"] for line in lines)
    assert text == STORY[:120]
    assert statuses(exchange(address, get())) == [200]


def test_what_is_changed_at_random_harms_nobody(address: Address) -> None:
    storm(address, 200)


@pytest.mark.slow
def test_two_thousand_that_are_changed_at_random_harm_nobody(address: Address) -> None:
    storm(address, 2_000)
