"""Models on demand, as clients of the dialects see it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from asgi import Client
from coblyn.api.app import create_app
from coblyn.errors import EngineStopped
from factories import SteppedEngine
from service.test_demand import FakeLoader, FileEngine, files

__all__ = ["files"]


@pytest.fixture
def loader() -> FakeLoader:
    return FakeLoader()


@pytest.fixture
def client(files: Path, loader: FakeLoader) -> Client:
    first = FileEngine(files / "first.gguf")
    first.allow()
    return Client(create_app(first, loader=loader))


async def test_every_dialect_loads_what_is_named(client: Client, loader: FakeLoader) -> None:
    talk = [{"role": "user", "content": "a"}]
    tokens = await client.post("/v1/messages/count_tokens", {"model": "second", "messages": talk})
    assert tokens.status == 200
    told = {m["id"]: m.get("status") for m in (await client.get("/v1/models")).json["data"]}
    assert told == {"first": None, "second": None, "third": {"value": "unloaded"}}
    assert (await client.get("/v1/models/third")).json["status"] == {"value": "unloaded"}
    assert (await client.get("/v1/models/second")).json["max_model_len"]
    assert (await client.get("/v1/models/none")).status == 404
    assert loader.log == ["load second"]
    loaded = await client.post("/api/generate", {"model": "third", "keep_alive": -1})
    assert loaded.json["done_reason"] == "load"
    assert loader.log == ["load second", "load third"]
    models = (await client.get("/v1/models")).json["data"]
    listed = [model["id"] for model in models]
    assert listed == ["first", "second", "third"]
    assert {model.get("status", {}).get("value") for model in models} == {None}
    running = (await client.get("/api/ps")).json["models"]
    assert [each["name"] for each in running] == ["first:latest", "third:latest", "second:latest"]
    assert [each["expires_at"][:4] == "2200" for each in running] == [True, True, False]


async def test_answers_carry_the_name_of_who_answered(client: Client) -> None:
    body = {"model": "second", "prompt": "a", "max_tokens": 1}
    streamed = await client.post("/v1/completions", {**body, "stream": True})
    assert json.loads(streamed.body.split(b"\n")[0].removeprefix(b"data: "))["model"] == "second"
    assert (await client.post("/v1/completions", body)).json["model"] == "second"


async def test_ollamas_clients_unload(client: Client, loader: FakeLoader) -> None:
    await client.post("/api/generate", {"model": "second"})
    gone = await client.post("/api/chat", {"model": "second", "keep_alive": 0})
    assert gone.json["done_reason"] == "unload"
    assert loader.log == ["load second", "release second"]
    stays = await client.post("/api/chat", {"model": "first", "keep_alive": "0s"})
    assert stays.json["done_reason"] == "load"
    assert stays.headers["x-coblyn-warnings"] == "keep_alive"


async def test_a_sleeping_model_is_healthy(client: Client, loader: FakeLoader) -> None:
    loader.room = 0
    await client.post("/api/generate", {"model": "second"})
    health = await client.get("/health")
    assert (health.status, health.json["status"]) == (200, "sleeping")
    assert (await client.get("/ready")).json["ready"] is True
    assert [m["name"] for m in (await client.get("/api/ps")).json["models"]] == ["second:latest"]


async def test_a_server_that_began_without_a_model_answers_who_names_one(files: Path) -> None:
    first = SteppedEngine(name="")
    first.state, first.refusal = "unloaded", EngineStopped("No model is loaded.")
    client = Client(create_app(first, loader=FakeLoader()))
    body = {"prompt": "a", "max_tokens": 1}
    assert (await client.post("/v1/completions", body)).status == 503
    assert (await client.post("/api/generate", {"model": "none", "prompt": "a"})).status == 404
    assert (await client.get("/ready")).status == 503
    answer = await client.post("/v1/completions", {**body, "model": "second"})
    assert (answer.status, answer.json["model"]) == (200, "second")
    assert (await client.get("/ready")).json == {"ready": True, "models": {"second": "ready"}}
    health = await client.get("/health")
    assert (health.status, health.json["model"]) == (200, "second")
    assert (await client.post("/v1/completions", body)).json["model"] == "second"
