"""Presets and defaults: what goes where a request says nothing, in every dialect."""

from __future__ import annotations

from typing import Any

import pytest

from asgi import Client
from coblyn.api.app import create_app
from coblyn.api.state import ApiOptions
from coblyn.api.wishes import Wishes
from coblyn.engine.params import SamplingParams
from factories import SteppedEngine

KOBOLD = ("/api/v1/generate", {"prompt": "abc"})
COMPLETION = ("/v1/completions", {"prompt": "abc"})
CHAT = ("/v1/chat/completions", {"messages": [{"role": "user", "content": "abc"}]})
OTHERS = [
    ("/v1/responses", {"input": "abc"}),
    ("/v1/messages", {"messages": CHAT[1]["messages"], "max_tokens": 9}),
    ("/api/generate", {"model": "fake", "prompt": "abc", "stream": False}),
    ("/api/chat", {"model": "fake", "messages": CHAT[1]["messages"], "stream": False}),
    ("/completion", {"prompt": "abc"}),
]
EVERY = pytest.mark.parametrize(("path", "body"), [KOBOLD, COMPLETION, CHAT])


class Server:
    """A server with wishes, and what its engine was asked for."""

    def __init__(self, **wishes: Any) -> None:
        self.engine = SteppedEngine()
        self.engine.allow()
        self._client = Client(create_app(self.engine, ApiOptions(wishes=Wishes(**wishes))))

    async def ask(self, path: str, body: dict[str, Any]) -> Any:
        return await self._client.post(path, body)

    async def sampling(self, path: str, body: dict[str, Any]) -> SamplingParams:
        reply = await self.ask(path, body)
        assert reply.status == 200, reply.body
        assert "warnings" not in reply.json
        return self.engine.requests[-1].sampling


@EVERY
async def test_a_request_names_a_preset_and_changes_a_part_of_it(
    path: str, body: dict[str, Any]
) -> None:
    asked = body | {"preset": "Immortal", "repetition_penalty": 1.3}
    sampling = await Server().sampling(path, asked)
    assert (sampling.typical_p, sampling.tail_free, sampling.top_n_sigma) == (0.19, 0.97, 1.75)
    assert sampling.sampler_order == (6, 5, 4, 3, 2, 1, 0)
    assert sampling.top_k == 0
    assert sampling.repetition_penalty == 1.3


@EVERY
async def test_a_preset_may_be_everybodys(path: str, body: dict[str, Any]) -> None:
    server = Server(preset="Simple Balanced")
    assert (await server.sampling(path, body)).top_p == 0.92
    assert (await server.sampling(path, body | {"top_p": 0.5})).top_p == 0.5
    assert (await server.sampling(path, body | {"preset": "Simple Logical"})).top_p == 0.6


@EVERY
async def test_a_preset_that_is_none_is_refused(path: str, body: dict[str, Any]) -> None:
    for name in ("Imortal", 5, ["Immortal"]):
        reply = await Server().ask(path, body | {"preset": name})
        assert reply.status == 400
        assert b"preset" in reply.body


@EVERY
async def test_defaults_fill_what_is_not_there(path: str, body: dict[str, Any]) -> None:
    server = Server(
        defaults={"min_p": 0.1, "rep_pen": 1.2, "max_length": 2, "stop_sequence": ["q"]},
        preset="Simple Balanced",
    )
    sampling = await server.sampling(path, body | {"min_p": None, "repeat_penalty": 1.4})
    assert (sampling.min_p, sampling.repetition_penalty) == (0.1, 1.4)
    assert sampling.top_p == 0.92  # where the defaults say nothing, the preset does
    assert server.engine.requests[-1].max_tokens == 2
    assert server.engine.requests[-1].stop[:1] == ("q",)


@EVERY
async def test_defaults_may_replace_what_is_there(path: str, body: dict[str, Any]) -> None:
    server = Server(defaults={"min_p": 0.1}, defaults_win=True)
    assert (await server.sampling(path, body | {"min_p": 0.5})).min_p == 0.1
    assert (await server.sampling(path, body | {"preset": "Immortal"})).min_p == 0.1


async def test_presets_are_listed_for_pages() -> None:
    client = Client(create_app(SteppedEngine(), ApiOptions(wishes=Wishes(preset="Immortal"))))
    answer = (await client.get("/api/coblyn/presets")).json
    assert answer["default"] == "Immortal"
    assert len(answer["presets"]) == 14
    row = answer["presets"][0]
    assert (row["name"], row["is_own"]) == ("Simple Logical", False)
    assert row["values"]["temperature"] == 0.3


ADAPTER = {
    "user_start": "U:",
    "assistant_start": "A:",
    "system_start": "S:",
    "max_length": 2,
    "top_k": 5,
}


async def test_an_adapter_takes_the_place_of_the_chat_template() -> None:
    server = Server()
    path, body = CHAT
    sampling = await server.sampling(path, body | {"adapter": ADAPTER})
    assert server.engine.sources[-1].texts[0].text == "U:abcA:"
    request = server.engine.requests[-1]
    assert request.stop == ("U:", "A:")
    assert (request.max_tokens, sampling.top_k) == (2, 5)
    last = [*body["messages"], {"role": "assistant", "content": "Then"}]
    await server.sampling(path, {"messages": last, "adapter": ADAPTER, "top_k": 7})
    assert server.engine.sources[-1].texts[0].text == "U:abcA:Then"
    assert server.engine.requests[-1].sampling.top_k == 7


async def test_an_adapter_has_no_tags_for_tools() -> None:
    path, body = CHAT
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    reply = await Server().ask(path, body | {"adapter": ADAPTER, "tools": [tool]})
    assert reply.status == 400
    assert reply.json["error"]["param"] == "adapter"


@EVERY
async def test_no_completion_is_longer_than_the_server_allows(
    path: str, body: dict[str, Any]
) -> None:
    engine = SteppedEngine()
    engine.allow()
    client = Client(create_app(engine, ApiOptions(max_completion=2)))
    for length in ({}, {"max_length": 100}, {"max_length": 1}):
        assert (await client.post(path, body | length)).status == 200
    assert [request.max_tokens for request in engine.requests] == [2, 2, 1]


async def test_a_length_beyond_what_the_server_allows_is_said() -> None:
    engine = SteppedEngine()
    engine.allow()
    client = Client(create_app(engine, ApiOptions(max_completion=2)))
    reply = await client.post("/api/v1/generate", {"prompt": "abc", "max_length": 100})
    assert reply.json["warnings"] == {"max_length": "2 was used: that is the maximum here."}


@pytest.mark.parametrize(("path", "body"), OTHERS)
async def test_the_other_dialects_have_presets_too(path: str, body: dict[str, Any]) -> None:
    sampling = await Server().sampling(path, body | {"preset": "Immortal"})
    assert (sampling.typical_p, sampling.top_n_sigma) == (0.19, 1.75)
    assert sampling.sampler_order == (6, 5, 4, 3, 2, 1, 0)
    usual = await Server(preset="Basic Min-P").sampling(path, body)
    assert (usual.min_p, usual.temperature) == (0.1, 1.25)
    reply = await Server().ask(path, body | {"preset": "Imortal"})
    assert reply.status == 400
    assert b"Immortal" in reply.body
