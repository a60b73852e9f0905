"""Hostile and malformed requests at the routes of every dialect, beside a stream that must not notice."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Self
from urllib.parse import urlsplit

import pytest

from api.test_hostile import HOST, Address, Impatient, exchange, get, mutated, statuses
from coblyn.api.app import DIALECTS
from coblyn.api.route import Route
from coblyn.api.state import ApiOptions
from coblyn.engine.fake import STORY, FakeRunner
from live_server import serve

VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 10**30, -(10**400), 2**63, 1e308, float("nan"), float("-inf"), "", "\0", "\ud800", "🙂" * 999,
    "1e999", [], {}, [[]], [None] * 1000, {"": {"": {}}}, {"type": "object", "$ref": "#"}, "../../etc/passwd",
    "a" * 100_000, [[[[[[[[[["x"]]]]]]]]]],
)  # fmt: skip

ANSWERS = {200, 201, 202, 204, 206, 304}
REFUSALS = {
    400,
    401,
    403,
    404,
    405,
    406,
    408,
    409,
    411,
    413,
    415,
    416,
    422,
    429,
    431,
    501,
    502,
    503,
}
"""501 to 503 where a route needs what this server has not: another program, the network, a model."""


def routes() -> list[Route]:
    return [
        route
        for dialect in DIALECTS
        for route in dialect.loaded_routes()
        if not route.path.endswith("/events")  # a stream without an end
        and route.path != "/api/extra/abort"  # without a key it ends whatever runs, as it should
    ]


def damaged(body: dict[str, Any], chance: random.Random) -> bytes:
    """A body with hostile values, or bytes that are no JSON object."""
    for _ in range(chance.randint(1, 3)):
        name = chance.choice([*body, "x", "model", "stream", "messages", "prompt", "max_tokens"])
        body = {**body, name: chance.choice(VALUES)}
    whole = json.dumps(body).encode()
    match chance.randrange(8):
        case 0:
            return whole[: chance.randrange(len(whole))]
        case 1:
            return b"[" * 5_000 + whole
        case 2:
            return whole.replace(b'"', b"\xff\xfe", 2)
        case 3:
            return b"\xef\xbb\xbf" + whole + b"garbage"
        case _:
            return whole


def framed(head: bytes, body: bytes, chance: random.Random) -> bytes:
    """A body as it is, or with the wrong length, damaged chunks, or a second request behind it."""
    sized = b"Content-Length: %d\r\n" % len(body)
    chunked = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(body)
    match chance.randrange(12):
        case 0:
            return head + chunked + body + b"\r\n0\r\n\r\n"
        case 1:
            return head + chunked + body[:-1] + b"\r\n0\r\n\r\n"
        case 2:
            return head + b"Content-Length: %d\r\n\r\n" % (len(body) + 9) + body
        case 3:
            return head + sized + chunked + body + b"\r\n0\r\n\r\n"
        case 4:
            return head + b"X: " + b"a" * 70_000 + b"\r\n" + sized + b"\r\n" + body
        case 5:
            return mutated(head + sized + b"\r\n" + body[:2_000], chance)
        case _:
            return head + sized + b"\r\n" + body


def request(route: Route, chance: random.Random) -> bytes:
    path = route.path.replace("{name:path}", "fake").replace("{", "").replace("}", "")
    kind = chance.choice(
        ["application/json", "text/plain", "multipart/form-data", "application/xml; charset=x", ""]
    )
    head = f"{route.method} {path} HTTP/1.1\r\n".encode() + HOST
    head += f"Content-Type: {kind}\r\n".encode() if kind else b""
    body = damaged(dict(route.example), chance) if route.method == "POST" else b""
    return framed(head, body, chance)


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[Address]:
    monkeypatch.setenv("COBLYN_OFFLINE", "1")
    options = ApiOptions(max_body=1 << 20, body_seconds=0.3)
    runner = partial(FakeRunner, seconds_a_step=0.002)
    with serve(runner, options=options, http=Impatient) as url:
        parts = urlsplit(url)
        yield parts.hostname or "", parts.port or 0


class Streamer:
    """Asks for the same stream again and again; a context manager."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self.texts: list[str] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _ask(self) -> None:
        body = b'{"prompt":"a","max_tokens":120,"stream":true}'
        head = b"POST /v1/completions HTTP/1.1\r\n" + HOST
        head += b"Content-Length: %d\r\n\r\n" % len(body)
        while not self._is_over.is_set():
            lines = exchange(self._address, head + body).split(b"\n")
            parts = [json.loads(line[6:]) for line in lines if line.startswith(b"data: {")]
            chosen = [choice for part in parts for choice in part.get("choices", ())]
            self.texts.append("".join(choice["text"] for choice in chosen))


def storm(address: Address, count: int) -> None:
    chance = random.Random(14_06)
    known = routes()
    requests = [request(chance.choice(known), chance) for _ in range(count)]
    with Streamer(address) as streamer, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda data: exchange(address, data), requests))
    for data, answer in zip(requests, answers, strict=True):
        found = statuses(answer)
        assert set(found) <= ANSWERS | REFUSALS | {100}, (data[:2_000], answer[:500])
    assert streamer.texts
    assert set(streamer.texts) == {STORY[:120]}
    assert statuses(exchange(address, get())) == [200]


def test_each_dialect_answers_what_is_malformed(address: Address) -> None:
    storm(address, 150)


@pytest.mark.slow
def test_two_thousand_malformed_requests_harm_nobody(address: Address) -> None:
    storm(address, 2_000)
