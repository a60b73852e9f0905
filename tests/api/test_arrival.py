"""Streams from models that are not loaded yet."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from asgi import Client
from coblyn.api import arrival
from coblyn.api.app import create_app
from coblyn.errors import ModelBroken
from factories import wait_for
from service.test_demand import FakeLoader, FileEngine, files

__all__ = ["files"]

TALK = [{"role": "user", "content": "a"}]
STREAMS: list[tuple[str, dict[str, Any], bytes]] = [
    ("/v1/completions", {"prompt": "a", "stream": True}, b": Loading: 42 %\n\n"),
    ("/v1/chat/completions", {"messages": TALK, "stream": True}, b": Loading: 42 %\n\n"),
    ("/v1/responses", {"input": "a", "stream": True}, b": Loading: 42 %\n\n"),
    ("/v1/messages", {"messages": TALK, "max_tokens": 99, "stream": True}, b": Loading: 42 %\n\n"),
    ("/completion", {"prompt": "a", "stream": True}, b": Loading: 42 %\n\n"),
    ("/api/extra/generate/stream", {"prompt": "a"}, b": Loading: 42 %\n\n"),
    ("/api/generate", {"prompt": "a"}, b'"response":"","done":false}\n'),
    ("/api/chat", {"messages": TALK}, b'"content":""},"done":false}\n'),
]


@pytest.fixture
def loader() -> FakeLoader:
    return FakeLoader()


@pytest.fixture
def client(files: Path, loader: FakeLoader) -> Client:
    first = FileEngine(files / "first.gguf")
    first.allow()
    return Client(create_app(first, loader=loader))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrival, "_PATIENCE", 0.01)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(("path", "body", "sign"), STREAMS, ids=[path for path, *_ in STREAMS])
async def test_every_stream_shows_signs_of_life(
    client: Client, loader: FakeLoader, path: str, body: dict[str, Any], sign: bytes
) -> None:
    ready = await client.post(path, {**body, "model": "first"})
    loader.may_load.clear()
    async with client.open("POST", path, {**body, "model": "second"}) as exchange:
        parts = [await exchange.next() for _ in range(3)]
        loader.may_load.set()
        rest = await exchange.all()
    assert exchange.status == 200
    assert exchange.answer_headers["content-type"] == ready.headers["content-type"]
    assert all(part and part.endswith(sign) for part in parts)
    assert loader.log == ["load second"]
    ends = [line for line in ready.body.split(b"\n") if line][-1], rest.strip().split(b"\n")[-1]
    assert ends[0][:9] == ends[1][:9], "the answer ends as that of a model which was there"
    assert b"A" in rest


@pytest.mark.usefixtures("impatient")
async def test_a_load_that_fails_late_ends_the_stream(client: Client, loader: FakeLoader) -> None:
    for path, body, _ in STREAMS:
        loader.may_load.clear()
        async with client.open("POST", path, {**body, "model": "second"}) as exchange:
            assert await exchange.next()
            loader.problem = ModelBroken("It is broken.")
            loader.may_load.set()
            assert b"It is broken." in (await exchange.all()).strip().split(b"\n")[-1]


async def test_a_load_that_fails_soon_is_an_error_with_its_status(
    client: Client, loader: FakeLoader
) -> None:
    loader.problem = ModelBroken("It is broken.")
    for path, body, _ in STREAMS:
        assert (await client.post(path, {**body, "model": "second"})).status == ModelBroken.status


@pytest.mark.usefixtures("impatient")
async def test_a_load_goes_on_without_the_client_that_asked(
    client: Client, loader: FakeLoader
) -> None:
    loader.may_load.clear()
    body = {"model": "second", "prompt": "a", "stream": True}
    async with client.open("POST", "/v1/completions", body) as exchange:
        assert await exchange.next()
        await exchange.hang_up()
    choices = (await client.get("/api/coblyn/models")).json["models"]
    assert {each["name"]: each["state"] for each in choices} == {
        "first": "ready",
        "second": "loading",
        "third": "here",
    }
    loader.may_load.set()
    await wait_for(lambda: loader.room == 8)
    assert (await client.post("/v1/completions", {**body, "stream": False})).status == 200
    assert loader.log == ["load second"]


@pytest.mark.usefixtures("impatient")
async def test_who_names_no_model_sees_the_first_wake(client: Client, loader: FakeLoader) -> None:
    loader.room = 0
    await client.post("/api/generate", {"model": "second"})
    assert loader.log[0] == "sleep"
    woken = asyncio.Event()
    wake = loader.wake

    async def slowly() -> None:
        await woken.wait()
        await wake()

    loader.wake = slowly  # type: ignore[method-assign]
    path = "/api/extra/generate/stream"
    async with client.open("POST", path, {"prompt": "a"}) as exchange:
        assert await exchange.next() == b": Loading: 42 %\n\n"
        woken.set()
        rest = await exchange.all()
    first = rest.split(b"data: ")[1].split(b"\n")[0]
    assert json.loads(first)["token"]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("flag", [False, "false", "0", 0, "no"])
async def test_who_wants_a_whole_answer_gets_one_however_that_is_written(
    client: Client, flag: Any
) -> None:
    for path, body, _ in STREAMS:
        if path == "/api/extra/generate/stream":
            continue
        reply = await client.post(path, {**body, "model": "second", "stream": flag})
        assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
        await client.post("/api/generate", {"model": "second", "keep_alive": 0})


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("flag", ["maybe", 2, [], {}, ""])
async def test_what_is_neither_is_refused_by_name(client: Client, flag: Any) -> None:
    for path, body, _ in STREAMS:
        if path == "/api/extra/generate/stream":
            continue
        reply = await client.post(path, {**body, "model": "second", "stream": flag})
        assert reply.status == 400
        assert "stream" in str(reply.json)


async def test_a_load_goes_on_without_the_client_that_asked_for_a_whole_answer(
    client: Client, loader: FakeLoader
) -> None:
    """Where a proxy cuts it off, since nothing is sent meanwhile, its next try finds the model."""
    loader.may_load.clear()
    body = {"model": "second", "prompt": "a", "stream": False}
    async with client.open("POST", "/v1/completions", body) as exchange:
        await wait_for(lambda: loader.log == ["load second"])
        await exchange.hang_up()
    loader.may_load.set()
    await wait_for(lambda: loader.room == 8)
    assert (await client.post("/v1/completions", body)).status == 200
    assert loader.log == ["load second"]
