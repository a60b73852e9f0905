"""Adapters in every dialect: by the model's name, by ``lora``, by default, and of models that were made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from asgi import Client
from coblyn.api.app import create_app
from coblyn.engine.adapter import AdapterInfo
from coblyn.engine.interface import EngineClient
from coblyn.models import created
from coblyn.models.created import Name
from coblyn.models.modelfile import Modelfile
from coblyn.models.setup import Setup
from factories import SteppedEngine
from service.test_demand import FakeLoader, FileEngine, files

__all__ = ["files"]

TEMPLATE = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}"
TALK = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 3}
WRITING: dict[str, dict[str, Any]] = {
    "/v1/completions": {"prompt": "Hi", "max_tokens": 3},
    "/v1/chat/completions": TALK,
    "/v1/messages": TALK,
    "/v1/responses": {"input": "Hi", "max_output_tokens": 16},
    "/completion": {"prompt": "Hi", "n_predict": 3},
    "/api/v1/generate": {"prompt": "Hi", "max_length": 3},
    "/api/generate": {"prompt": "Hi", "raw": True, "stream": False},
    "/api/chat": {"messages": TALK["messages"], "stream": False},
}
DIALECTS = pytest.mark.parametrize("path", WRITING)
POET, OLD = AdapterInfo("Poet", "/x/poet.gguf", "p", 0.5), AdapterInfo("old", "/x/old.gguf", "o")


@pytest.fixture
async def engine() -> SteppedEngine:
    engine = SteppedEngine(adapters=(POET, OLD), chat_template=TEMPLATE)
    engine.allow()
    return engine


class Server:
    def __init__(self, engine: SteppedEngine) -> None:
        self.engine = engine
        self.client = Client(create_app(engine))

    async def set_of(self, path: str, **fields: Any) -> dict[str, float]:
        """The digests and scales with which a request was read."""
        reply = await self.client.post(path, {**WRITING[path], "model": "fake", **fields})
        assert reply.status == 200, reply.body.decode()
        return {a.digest: a.scale for a in self.engine.requests[-1].prompt.namespace.adapters}


@pytest.fixture
def server(engine: SteppedEngine) -> Server:
    return Server(engine)


@DIALECTS
async def test_a_models_name_says_its_adapters(server: Server, path: str) -> None:
    assert await server.set_of(path) == {}
    assert await server.set_of(path, model="fake+poet") == {"p": 0.5}
    assert await server.set_of(path, model="fake+OLD+Poet") == {"p": 0.5, "o": 1.0}


@DIALECTS
async def test_a_body_chooses_adapters_and_scales(server: Server, path: str) -> None:
    assert await server.set_of(path, lora=[{"id": 0, "scale": 0.25}]) == {"p": 0.25}
    assert await server.set_of(path, lora=[{"id": 1}, {"name": "poet"}]) == {"o": 1.0, "p": 0.5}
    assert await server.set_of(path, lora=[{"id": 0, "scale": 0}]) == {}
    both = {"model": "fake+poet", "lora": [{"id": 0, "scale": 2}, {"id": "old", "scale": -1}]}
    assert await server.set_of(path, **both) == {"p": 2.0, "o": -1.0}
    assert await server.set_of(path, lora=[]) == {}


@DIALECTS
@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"lora": [{"id": 2, "scale": 1}]}, "no adapter 2"),
        ({"lora": [{"id": "none"}]}, "no adapter 'none'"),
        ({"lora": [{"scale": 1}]}, "lora[0] must have an id"),
        ({"lora": [{"id": 0, "scale": "much"}]}, "lora[0].scale must be a number"),
        ({"lora": [{"id": True}]}, "lora[0] must have an id"),
        ({"lora": "poet"}, "lora must be a list"),
        ({"model": "fake+nobody"}, "'fake+nobody'"),
    ],
)
async def test_what_is_not_here_is_refused(
    server: Server, path: str, fields: dict[str, Any], words: str
) -> None:
    reply = await server.client.post(path, {**WRITING[path], "model": "fake", **fields})
    assert 400 <= reply.status < 500
    assert words in reply.body.decode()
    assert not server.engine.requests


async def test_models_are_listed_with_their_adapters(client: Client) -> None:
    names = ["fake", "fake+Poet", "fake+old"]
    listed = (await client.get("/v1/models")).json["data"]
    assert [model["id"] for model in listed] == names
    assert (await client.get("/v1/models/fake+old")).json["id"] == "fake+old"
    tags = (await client.get("/api/tags")).json["models"]
    assert [model["name"] for model in tags] == [f"{name}:latest" for name in names]
    shown = (await client.post("/api/show", {"model": "fake+Poet:latest"})).json
    assert "ADAPTER /x/poet.gguf" in shown["modelfile"]


async def test_answers_have_the_name_that_was_asked_for(client: Client) -> None:
    for path in ("/v1/completions", "/v1/chat/completions", "/v1/messages", "/completion"):
        reply = await client.post(path, {**WRITING[path], "model": "fake+poet"})
        assert reply.json["model"] == "fake+poet"


async def test_llama_servers_list_and_its_scales(server: Server) -> None:
    client = server.client
    listed = (await client.get("/lora-adapters")).json
    assert [(each["id"], each["path"], each["scale"]) for each in listed] == [
        (0, "/x/poet.gguf", 0.0),
        (1, "/x/old.gguf", 0.0),
    ]
    reply = await client.post("/lora-adapters", [{"id": 1, "scale": 0.75}])
    assert reply.json == {"success": True}
    assert [each["scale"] for each in (await client.get("/lora-adapters")).json] == [0.0, 0.75]
    assert await server.set_of("/v1/completions") == {"o": 0.75}
    assert await server.set_of("/v1/completions", model="fake+poet") == {"p": 0.5}
    assert await server.set_of("/v1/completions", lora=[]) == {}
    assert (await client.post("/lora-adapters", [{"id": 9, "scale": 1}])).status == 400
    assert (await client.post("/lora-adapters", {"id": 0, "scale": 1})).status == 400
    assert await server.set_of("/v1/completions") == {"o": 0.75}


async def test_adapters_that_are_on(engine: SteppedEngine) -> None:
    engine._runner.adapters = (AdapterInfo("a", "/x/a.gguf", "a", 0.5, is_on=True), OLD)
    server = Server(engine)
    assert await server.set_of("/api/v1/generate") == {"a": 0.5}
    assert await server.set_of("/api/v1/generate", model="fake+old") == {"o": 1.0}


@DIALECTS
async def test_a_model_that_was_made_with_an_adapter(
    server: Server, path: str, tmp_path: Path
) -> None:
    file = str(tmp_path / "made.gguf")
    created.save(Name.of("bard"), Modelfile("fake", adapters=(file, "/x/old.gguf")))
    expected = {f"digest of {file}": 1.0, "o": 1.0}
    for _ in range(2):
        assert await server.set_of(path, model="bard") == expected
    assert len(server.engine.info.adapters) == 3
    assert await server.set_of(path, model="bard", lora=[{"id": 0}]) == {"p": 0.5}


async def test_vectors_are_made_without_adapters(server: Server) -> None:
    body = {"model": "fake+poet", "input": "Hi"}
    for path in ("/v1/embeddings", "/api/embed"):
        reply = await server.client.post(path, body)
        assert reply.status == 400
        assert "without adapters" in reply.body.decode()


async def test_requests_name_no_files(server: Server, tmp_path: Path) -> None:
    file = str(tmp_path / "secret.gguf")
    for fields in ({"adapters": {file: "x"}}, {"modelfile": f"FROM fake\nADAPTER {file}"}):
        reply = await server.client.post("/api/create", {"model": "x", "from": "fake", **fields})
        assert reply.status == 400
        assert "no adapter" in reply.body.decode()
    body = {"model": "mine", "from": "fake", "adapters": {"Poet": "x"}, "stream": False}
    assert (await server.client.post("/api/create", body)).status == 200
    assert await server.set_of("/v1/completions", model="mine") == {"p": 0.5}


class AdaptedLoader(FakeLoader):
    """Gives every model that it loads two adapters."""

    async def load(self, setup: Setup) -> EngineClient:
        await super().load(setup)
        engine = SteppedEngine(name=setup.path.stem, adapters=(POET, OLD), path=str(setup.path))
        engine.allow()
        self.engines.append(engine)
        return engine

    engines: list[SteppedEngine] = []  # noqa: RUF012 - of one test


@DIALECTS
async def test_a_model_is_loaded_for_its_adapters(files: Path, path: str) -> None:
    loader = AdaptedLoader()
    loader.engines = []
    first = FileEngine(files / "first.gguf")
    first.allow()
    client = Client(create_app(first, loader=loader))
    for name in ("Second+poet", "second+POET:latest"):
        reply = await client.post(path, {**WRITING[path], "model": name})
        assert reply.status == 200, reply.body.decode()
        (engine,) = loader.engines
        used = engine.requests[-1].prompt.namespace.adapters
        assert {a.digest: a.scale for a in used} == {"p": 0.5}
    unknown = await client.post(path, {**WRITING[path], "model": "SECOND+none"})
    assert unknown.status == 404
    assert "poet" in unknown.body.decode().lower()
