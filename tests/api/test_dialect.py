"""Another API is a package of its own and one entry in a list: a tiny one is made here and mounted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.responses import Response

from asgi import Client
from coblyn.api.app import DIALECTS, create_app
from coblyn.api.call import Call
from coblyn.api.dialect import Dialect
from coblyn.api.framing import NDJSON, PLAIN, SSE
from coblyn.api.later import LaterFields, later
from coblyn.api.openapi import describe
from coblyn.api.problem import Problem
from coblyn.api.route import Routes
from coblyn.api.stream import Chunks, compact
from coblyn.engine.events import Delta, Finish
from coblyn.errors import BadRequest, EngineRestarted
from coblyn.service.command import GenerateCommand, TextPrompt
from coblyn.service.hub import Record
from factories import SteppedEngine

routes = Routes()


class TinyLater(LaterFields):
    """It knows images under another name."""

    pictures: list[Any] = later([])
    style: str = "plain"


class TinyChunks(Chunks):
    """An object per piece of text, and one at the end."""

    def text(self, index: int, delta: Delta) -> bytes:
        return self.framing.frame(compact({"say": delta.text}))

    def end(self, index: int, finish: Finish, record: Record) -> bytes:
        reason = self.dialect.reason(finish)
        return self.framing.frame(compact({"over": reason, "text": record.text}))


@routes.post("/tiny/tell", "Tell", can_stream=True)
async def tell(call: Call) -> Response:
    """A tale."""
    body = await call.json()
    if not isinstance(body.get("about"), str):
        raise BadRequest("about must be a string.", field="about")
    command = GenerateCommand(TextPrompt(body["about"]), max_tokens=body.get("most"))
    warnings = call.dialect.warnings(body)
    if body.get("whole"):
        (record,) = await call.complete([command])
        return call.answer({"text": record.text}, warnings)
    return await call.stream([command], TinyChunks(call.dialect), warnings)


@routes.get("/v1/models", "Tales", header="x-tiny")
async def tales(call: Call) -> Response:
    """What can be told."""
    return call.answer({"tales": []}, {})


@routes.delete("/tiny/tale", "Forget a tale")
async def forget(call: Call) -> Response:
    """A tale is forgotten."""
    return call.answer({"forgotten": (await call.json())["name"]}, {})


def tiny_body(problem: Problem) -> dict[str, Any]:
    return {"trouble": problem.message, "with": problem.field}


TINY = Dialect(
    "tiny",
    tuple(routes),
    owns=lambda path: "/tiny/" in path,
    error_body=tiny_body,
    aliases={"/tiny/speak": "/tiny/tell"},
    framing=NDJSON,
    finish_reasons={"eos": "done", "stop": "done", "length": "cut", "cancelled": "done"},
    unsupported=TinyLater,
    error_headers=lambda body: {"x-trouble": body["with"]},
)


@pytest.fixture
def client(engine: SteppedEngine) -> Client:
    return Client(create_app(engine, dialects=(TINY, *DIALECTS)))


async def test_it_streams_in_its_own_framing_and_words(client: Client) -> None:
    reply = await client.post(
        "/tiny/tell", {"about": "abc", "most": 2, "pictures": ["x"], "images": ["x"]}
    )
    assert reply.headers["content-type"] == "application/x-ndjson"
    assert [json.loads(line) for line in reply.body.splitlines()] == [
        {"say": "A"},
        {"say": "B"},
        {"over": "cut", "text": "AB"},
    ]
    assert reply.headers["x-coblyn-warnings"] == "images, pictures"


async def test_it_answers_whole_and_under_its_aliases(client: Client) -> None:
    reply = await client.post("/anywhere/tiny/speak/", {"about": "abc", "whole": True})
    assert reply.json == {"text": "ABC"}
    assert (await client.send("OPTIONS", "/tiny/speak")).headers["allow"] == "HEAD, OPTIONS, POST"


async def test_a_path_that_two_have_is_told_by_a_header(client: Client) -> None:
    assert (await client.get("/v1/models", x_tiny="1")).json == {"tales": []}
    assert (await client.get("/v1/models")).json["object"] == "list"
    assert (await client.send("OPTIONS", "/v1/models")).headers["allow"] == "GET, HEAD, OPTIONS"
    described = describe((TINY, *DIALECTS))["paths"]["/v1/models"]["get"]
    assert described["tags"] == ["openai"]


async def test_it_answers_delete(client: Client) -> None:
    reply = await client.send("DELETE", "/tiny/tale", {"name": "x"})
    assert reply.json == {"forgotten": "x"}


async def test_errors_have_the_shape_of_whose_route_it_is(
    client: Client, engine: SteppedEngine
) -> None:
    wrong = await client.post("/tiny/speak", {"about": 5})
    assert (wrong.status, wrong.json) == (
        400,
        {"trouble": "about must be a string.", "with": "about"},
    )
    assert wrong.headers["x-trouble"] == "about"
    foreign = await client.post("/tiny/tell", {}, origin="https://evil.example")
    for reply, status in (
        (await client.post("/tiny/tell", b"{"), 400),
        (await client.post("/tiny/nothing", {}), 404),
        (await client.get("/tiny/tell"), 405),
        (foreign, 403),
    ):
        assert (reply.status, set(reply.json)) == (status, {"trouble", "with"})
    assert "detail" in (await client.post("/api/v1/nothing", {})).json
    assert "error" in (await client.post("/v1/nothing", {})).json
    assert "detail" in (await client.post("/nothing", {})).json
    engine.fail_after = (1, EngineRestarted("The engine died."))
    broken = await client.post("/tiny/tell", {"about": "abc"})
    assert json.loads(broken.body.splitlines()[-1]) == {"trouble": "The engine died.", "with": ""}


async def test_a_bug_behind_an_alias_has_the_shape_too(
    client: Client, engine: SteppedEngine
) -> None:
    engine.encode = None  # type: ignore[assignment]
    for path, body, key in (
        ("/x/tiny/speak", {"about": "a"}, "trouble"),
        ("/completions", {"prompt": "a"}, "error"),
    ):
        exchange = client.open("POST", path, body)
        with pytest.raises(TypeError):
            async with exchange:
                answer = json.loads(await exchange.all())
        assert (exchange.status, next(iter(answer))) == (500, key)


def test_it_stands_in_the_description() -> None:
    operation = describe((TINY, *DIALECTS))["paths"]["/tiny/tell"]["post"]
    assert (operation["tags"], operation["description"]) == (["tiny"], "A tale.")
    assert NDJSON.media_type in operation["responses"]["200"]["content"]
    error = operation["responses"]["default"]["content"]["application/json"]["example"]
    assert set(error) == {"trouble", "with"}


def test_no_path_belongs_to_two(engine: SteppedEngine) -> None:
    thief = Dialect("thief", tuple(DIALECTS[0].routes), owns=lambda _: True, error_body=tiny_body)
    with pytest.raises(AssertionError, match=f"{DIALECTS[0].name}'s and thief's"):
        create_app(engine, dialects=(*DIALECTS, thief))


def test_framings() -> None:
    assert SSE.frame(b"{}", b"progress") == b"event: progress\ndata: {}\n\n"
    assert SSE.comment(b"wait") == b": wait\n\n"
    assert NDJSON.frame(b"{}", b"progress") == b"{}\n"
    assert PLAIN.frame(b"text") == b"text"
    assert NDJSON.comment(b"wait") == PLAIN.comment(b"wait") == b""
