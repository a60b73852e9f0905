"""Streams that bear the world: silence, clients that leave, and clients that come back."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

import patient
from asgi import Client
from coblyn.api import tapes
from coblyn.api.app import create_app
from coblyn.api.state import ApiOptions
from coblyn.engine.fake import FakeRunner
from coblyn.keys.key import ApiKey, hash_of
from factories import SteppedEngine, wait_for
from live_server import serve

STREAM = {"prompt": "abcdef", "max_tokens": 6, "stream": True}
COMPLETIONS, KOBOLD = "/v1/completions", "/api/extra/generate/stream"


@pytest.mark.parametrize("path", [COMPLETIONS, "/v1/chat/completions", KOBOLD])
async def test_a_stream_that_says_nothing_yet_says_so(path: str, stepped: SteppedEngine) -> None:
    client = Client(create_app(stepped, ApiOptions(keep_alive=0.02)))
    body = {"messages": [{"role": "user", "content": "a"}]} if "chat" in path else {"prompt": "ab"}
    async with client.open("POST", path, body | {"max_tokens": 1, "stream": True}) as exchange:
        parts = [await exchange.next() for _ in range(4)]
        assert exchange.status == 200
        assert parts.count(b": waiting\n\n") >= 3
        stepped.allow()
        rest = await exchange.all()
    assert b"finish_reason" in rest


async def test_a_stream_that_waits_for_its_turn_says_so(stepped: SteppedEngine) -> None:
    """Nothing is known of it yet, but a proxy would cut the line."""

    async def never_begins(request):  # type: ignore[no-untyped-def]
        await stepped.allowed.acquire()
        async for event in begins(request):
            yield event

    begins, stepped.generate = stepped.generate, never_begins  # type: ignore[method-assign]
    client = Client(create_app(stepped, ApiOptions(keep_alive=0.02)))
    async with client.open("POST", COMPLETIONS, STREAM) as exchange:
        assert await exchange.next() == b": waiting\n\n"
        stepped.allow()
        assert b"[DONE]" in await exchange.all()


async def test_no_keep_alive_where_clients_know_none(stepped: SteppedEngine) -> None:
    client = Client(create_app(stepped, ApiOptions(keep_alive=0)))
    async with client.open("POST", COMPLETIONS, STREAM) as exchange:
        await wait_for(lambda: stepped.num_open == 1)
        stepped.allow()
        assert b"waiting" not in await exchange.all()


# Clients that leave, on a real socket and a real engine loop


@pytest.fixture
def runners() -> list[FakeRunner]:
    return []


@pytest.fixture
def address(runners: list[FakeRunner]) -> Iterator[str]:
    def make_runner() -> FakeRunner:
        runners.append(FakeRunner(seconds_a_step=0.02, max_batch=32, repeats=True))
        return runners[0]

    with serve(make_runner, max_running=1) as url:
        yield url


def send(url: str, path: str, body: object) -> socket.socket:
    """A request that is on its way."""
    parts, data = urlsplit(url), json.dumps(body).encode()
    connection = socket.create_connection((parts.hostname, parts.port), timeout=20)
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(data)}\r\n\r\n"
    connection.sendall(head.encode() + data)
    return connection


def wait_until_health(url: str, running: int, waiting: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        health = patient.get(f"{url}/health").json()
        if (health["running"], health["waiting"]) == (running, waiting):
            return
        assert time.monotonic() < deadline, health
        time.sleep(0.01)


LONG = {"prompt": "x", "max_tokens": 3000, "max_length": 3000, "ignore_eos": True}
UNREAD = {"prompt": "x" * 3000, "max_tokens": 10, "max_length": 10}
UNREAD_TALK = {
    "model": "fake",
    "messages": [{"role": "user", "content": "x" * 3000}],
    "max_tokens": 10,
}
READING: list[tuple[str, dict[str, object]]] = [
    ("/v1/chat/completions", UNREAD_TALK),
    ("/v1/responses", {"model": "fake", "input": "x" * 3000}),
    ("/v1/messages", UNREAD_TALK),
    ("/api/chat", UNREAD_TALK),
    ("/api/generate", UNREAD | {"model": "fake"}),
    ("/completion", UNREAD),
]
"""Other routes, each with a prompt that takes a hundred steps to read."""


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (COMPLETIONS, LONG | {"stream": True}),
        (COMPLETIONS, LONG),
        (KOBOLD, LONG),
        ("/api/v1/generate", LONG),
        (COMPLETIONS, UNREAD | {"stream": True}),
        (COMPLETIONS, UNREAD),
        ("/api/v1/generate", UNREAD),
        *((path, body | {"stream": stream}) for path, body in READING for stream in (True, False)),
    ],
)
def test_the_work_ends_when_the_client_leaves(
    path: str, body: dict[str, object], address: str, runners: list[FakeRunner]
) -> None:
    with send(address, path, body):
        wait_until_health(address, 1, 0)
        while len(runners[0].history) < 3:
            time.sleep(0.01)
    wait_until_health(address, 0, 0)
    # The books say that it is over; then at most the step in hand ends.
    done = len(runners[0].history)
    assert done < 60
    patient.post(f"{address}/v1/completions", json={"prompt": "y", "max_tokens": 3})
    gone = runners[0].history[0].rows[0].request_id
    later = [{row.request_id for row in plan.rows} for plan in runners[0].history[done:]]
    assert len(later) >= 3
    assert sum(gone in ids for ids in later) <= 1


def test_one_that_waits_is_never_begun(address: str, runners: list[FakeRunner]) -> None:
    with send(address, COMPLETIONS, LONG | {"stream": True}) as first:
        assert first.recv(1)
        for more in ({"stream": True}, {}):
            with send(address, COMPLETIONS, UNREAD | more):
                wait_until_health(address, 1, 1)
            wait_until_health(address, 1, 0)
    wait_until_health(address, 0, 0)
    assert len({row.request_id for plan in runners[0].history for row in plan.rows}) == 1


# Clients that come back


async def begun(client: Client, **headers: str) -> tuple[str, list[bytes]]:
    """A stream whose client leaves after two events: its name, and these."""
    headers = {"x_coblyn_resumable": "yes", **headers}
    async with client.open("POST", COMPLETIONS, STREAM, **headers) as exchange:
        parts = [await exchange.next() or b"" for _ in range(2)]
        return exchange.answer_headers["x-coblyn-stream"], parts


async def test_a_stream_is_taken_up_where_it_stopped(stepped: SteppedEngine) -> None:
    client = Client(create_app(stepped))
    stepped.allow(2)
    name, parts = await begun(client)
    assert [part.split(b"\n")[0] for part in parts] == [b"id: 0", b"id: 1"]
    assert stepped.num_open == 1
    stepped.allow()
    path = f"/api/coblyn/streams/{name}"
    rest = await client.get(f"{path}?from=2")
    assert rest.headers["content-type"].startswith("text/event-stream")
    assert (await client.get(path, last_event_id="1")).body == rest.body
    whole = (await client.get(path)).body
    assert whole == b"".join(parts) + rest.body
    data = [line[6:] for line in whole.decode().splitlines() if line.startswith("data: ")]
    assert data[-1] == "[DONE]"
    assert "".join(json.loads(line)["choices"][0]["text"] for line in data[:-1]) == "ABCDEF"
    numbers = [int(line[4:]) for line in whole.splitlines() if line.startswith(b"id: ")]
    assert numbers == list(range(len(data)))
    assert (await client.get(f"{path}?from={len(data)}")).body == b""


@pytest.mark.parametrize("path", [COMPLETIONS, "/v1/chat/completions", KOBOLD])
async def test_a_stream_says_its_seeds(path: str, stepped: SteppedEngine) -> None:
    client = Client(create_app(stepped))
    stepped.allow()
    asked = {"messages": [{"role": "user", "content": "a"}]} if "chat" in path else {"prompt": "ab"}
    body = asked | {"max_tokens": 1, "stream": True}
    name = "sampler_seed" if path == KOBOLD else "seed"
    assert (await client.post(path, body | {name: 7})).headers["x-coblyn-seed"] == "7"
    drawn = {(await client.post(path, body)).headers["x-coblyn-seed"] for _ in range(2)}
    assert len(drawn) == 2
    if path == COMPLETIONS:
        several = await client.post(path, body | {"n": 2, name: 7})
        assert several.headers["x-coblyn-seed"] == "7, 8"


async def test_two_listen_to_one_stream(stepped: SteppedEngine) -> None:
    client = Client(create_app(stepped))
    stepped.allow(2)
    name, _ = await begun(client)
    async with client.open("GET", f"/api/coblyn/streams/{name}?from=1") as first:
        assert (await first.next() or b"").startswith(b"id: 1\n")
        async with client.open("GET", f"/api/coblyn/streams/{name}?from=1") as second:
            stepped.allow()
            assert (await second.all()).startswith(b"id: 1\n")
        assert b"[DONE]" in await first.all()


async def test_nobody_comes_back(stepped: SteppedEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tapes, "LINGER_SECONDS", 0.02)
    monkeypatch.setattr(tapes, "KEEP_SECONDS", 0.02)
    client = Client(create_app(stepped))
    stepped.allow(2)
    name, _ = await begun(client)
    await wait_for(lambda: stepped.num_open == 0)
    assert stepped.cancelled

    async def is_gone() -> bool:
        return (await client.get(f"/api/coblyn/streams/{name}")).status == 404

    while not await is_gone():
        pass


async def test_a_stream_is_ended(stepped: SteppedEngine) -> None:
    client = Client(create_app(stepped))
    stepped.allow(2)
    name, _ = await begun(client)
    assert (await client.send("DELETE", f"/api/coblyn/streams/{name}")).status == 200
    assert stepped.num_open == 0


async def test_what_is_not_kept_any_more(
    engine: SteppedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tapes, "MAX_TAPE_BYTES", 400)
    client = Client(create_app(engine))
    name, _ = await begun(client)
    await wait_for(lambda: engine.num_open == 0)
    reply = await client.get(f"/api/coblyn/streams/{name}?from=0")
    assert (reply.status, reply.json["detail"]["type"]) == (410, "server_error")
    for wrong in ("-1", "x", "9" * 20, "²"):
        assert (await client.get(f"/api/coblyn/streams/{name}?from={wrong}")).status == 400
    assert (await client.get("/api/coblyn/streams/none")).status == 404


async def test_streams_are_bounded(
    engine: SteppedEngine, stepped: SteppedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tapes, "MAX_TAPES", 1)
    client = Client(create_app(engine))
    first, _ = await begun(client)
    assert (await client.get(f"/api/coblyn/streams/{first}")).status == 200  # it reads to the end
    second, _ = await begun(client)
    assert (await client.get(f"/api/coblyn/streams/{first}")).status == 404
    assert (await client.get(f"/api/coblyn/streams/{second}")).status == 200
    busy = Client(create_app(stepped))
    stepped.allow(2)
    await begun(busy)
    refused = await busy.post(COMPLETIONS, STREAM, x_coblyn_resumable="yes")
    assert refused.status == 503
    assert stepped.num_open == 1


async def test_a_stream_is_its_keys_own(stepped: SteppedEngine) -> None:
    def keys() -> tuple[ApiKey, ...]:
        return tuple(ApiKey(name=name, hash=hash_of(name.encode())) for name in ("mine", "other"))

    client = Client(create_app(stepped, ApiOptions(keys=keys)))
    stepped.allow()
    name, _ = await begun(client, x_api_key="mine")
    path = f"/api/coblyn/streams/{name}"
    assert (await client.get(path, x_api_key="other")).status == 404
    assert (await client.get(path, x_api_key="mine")).status == 200
