"""A request goes to the model that it names."""

from __future__ import annotations

import json

import pytest

from asgi import Client
from coblyn.api.app import create_app
from coblyn.api.state import ApiOptions
from coblyn.errors import SettingsError
from coblyn.service.command import GenerateCommand, TextPrompt
from coblyn.service.models import UnknownModel
from coblyn.service.services import make_services
from factories import SteppedEngine, wait_for

TEXT = "/v1/completions"
CHAT = "/v1/chat/completions"
GENERATE = "/api/v1/generate"
TALK = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 1}


@pytest.fixture
async def pair() -> list[SteppedEngine]:
    engines = [SteppedEngine(name="first"), SteppedEngine(name="second", context=64)]
    for engine in engines:
        engine.allow()
    return engines


@pytest.fixture
def client(pair: list[SteppedEngine]) -> Client:
    return Client(create_app(pair))


async def test_a_request_goes_to_the_model_that_it_names(
    client: Client, pair: list[SteppedEngine]
) -> None:
    first, second = pair
    named = await client.post(TEXT, {"prompt": "ab", "model": "second"})
    assert (named.json["model"], named.json["choices"][0]["text"]) == ("second", "AB")
    stream = await client.post(CHAT, TALK | {"model": "koboldcpp/second", "stream": True})
    assert json.loads(stream.body.split(b"\n\n")[0][6:])["model"] == "second"
    await client.post(GENERATE, {"prompt": "a", "model": "second"})
    assert (len(first.requests), len(second.requests)) == (0, 3)
    unnamed = await client.post(TEXT, {"prompt": "ab"})
    assert unnamed.json["model"] == "first"
    await client.post("/api/extra/generate/stream", {"prompt": "a"})
    assert (len(first.requests), len(second.requests)) == (2, 3)


async def test_the_context_is_that_of_the_model(client: Client) -> None:
    body = {"prompt": "a" * 100}
    assert (await client.post(TEXT, body | {"model": "first"})).status == 200
    long = await client.post(TEXT, body | {"model": "second"})
    assert (long.status, long.json["error"]["code"]) == (400, "context_length_exceeded")


async def test_a_model_that_is_not_here_is_refused_by_name(
    client: Client, pair: list[SteppedEngine]
) -> None:
    for body in ({"prompt": "a"}, {"prompt": "a", "stream": True}, {"prompt": [5], "echo": True}):
        reply = await client.post(TEXT, body | {"model": "third"})
        assert reply.status == 404
        assert reply.json["error"] == {
            "message": "There is no model 'third' here. This server has first, second.",
            "type": "invalid_request_error",
            "param": "model",
            "code": "model_not_found",
        }
    assert (await client.post(CHAT, TALK | {"model": "third"})).status == 404
    for path in (GENERATE, "/api/extra/tokencount", "/api/extra/detokenize"):
        kobold = await client.post(path, {"prompt": "a", "ids": [97], "model": "third"})
        assert (kobold.status, kobold.json["detail"]["field"]) == (404, "model")
    assert not [request for engine in pair for request in engine.requests]


async def test_all_are_listed(client: Client) -> None:
    models = (await client.get("/v1/models")).json["data"]
    assert [(model["id"], model["max_model_len"]) for model in models] == [
        ("first", 4096),
        ("second", 64),
    ]
    assert (await client.get("/v1/models/second")).json == models[1]


async def test_abort_reaches_the_engine_that_generates() -> None:
    engines = [SteppedEngine(name="first"), SteppedEngine(name="second")]
    client = Client(create_app(engines))
    body = {"prompt": "a", "stream": True, "genkey": "k", "model": "second"}
    async with client.open("POST", TEXT, body) as exchange:
        await wait_for(lambda: engines[1].num_open == 1)
        assert (await client.post("/api/extra/abort", {"genkey": "k"})).json["done"] == "true"
        assert b'"finish_reason":"stop"' in (await exchange.next() or b"")


async def test_the_only_model_answers_to_any_name_unless_it_is_told_not_to() -> None:
    engine = SteppedEngine()
    engine.allow()
    body = {"prompt": "ab", "model": "gpt-3.5-turbo"}
    assert (await Client(create_app(engine)).post(TEXT, body)).json["model"] == "fake"
    strict = Client(create_app(engine, ApiOptions(is_strict=True)))
    assert (await strict.post(TEXT, body)).status == 404
    for name in ("fake", "koboldcpp/fake", "", None):
        assert (await strict.post(TEXT, body | {"model": name})).status == 200, name


async def test_users_are_counted_while_they_use_it(pair: list[SteppedEngine]) -> None:
    services = make_services(pair)
    second = services.models.find("second")
    command = GenerateCommand(TextPrompt("ab"), model="second")
    generation, other = await services.generator.start_all([command, command])
    assert (services.models.default.num_users, second.num_users) == (0, 2)
    await generation.aclose()
    await generation.aclose()
    assert second.num_users == 1
    await other.aclose()
    with pytest.raises(UnknownModel):
        await services.generator.start_all([command, GenerateCommand(TextPrompt(""), model="x")])
    async with services.models.acquire("second") as model:
        assert model is second
        assert second.num_users == 1
    assert second.num_users == 0
    assert services.hub.active("") == []


def test_two_of_the_same_name_are_refused() -> None:
    with pytest.raises(SettingsError, match="fake, fake"):
        make_services([SteppedEngine(), SteppedEngine()])
