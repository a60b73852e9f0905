"""What is wrong in a model's file, and what memory it takes, as the page asks for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from asgi import Client
from coblyn import paths
from coblyn.api.app import create_app
from gguf_file import whole_model
from service.test_demand import FakeLoader, FileEngine, files

__all__ = ["files"]


@pytest.fixture
def client(files: Path) -> Client:
    first = FileEngine(files / "first.gguf")
    first.allow()
    return Client(create_app(first, loader=FakeLoader()))


async def test_a_model_that_is_here_is_examined(client: Client) -> None:
    whole_model(llama__context_length=0).write(paths.models() / "sick.gguf")
    answer = await client.get("/api/coblyn/models/sick/doctor")
    assert answer.status == 200
    assert not answer.json["is_sound"]
    (grave,) = [each for each in answer.json["findings"] if each["weight"] == "grave"]
    assert grave["id"] == "no-context-length"
    assert grave["metadata"] == {"llama.context_length": 2048}
    assert answer.json["fix"] == ["llama.context_length = 2048"]


async def test_what_is_no_model_is_named(client: Client) -> None:
    (paths.models() / "page.gguf").write_text("<html>")
    answer = await client.get("/api/coblyn/models/page/doctor")
    assert answer.status >= 400
    assert b"web page" in answer.body
    assert (await client.get("/api/coblyn/models/none/doctor")).status == 404
    assert (await client.get("/api/coblyn/models/..%2F..%2Fetc/doctor")).status == 404


async def test_what_memory_a_model_takes_is_asked_of_what_loads(client: Client) -> None:
    answer = await client.get("/api/coblyn/models/second/fit")
    assert answer.json["model"].endswith("second.gguf")


async def test_a_server_that_loads_nothing_measures_nothing(files: Path) -> None:
    first = FileEngine(files / "first.gguf")
    first.allow()
    answer = await Client(create_app(first)).get("/api/coblyn/models/first/fit")
    assert answer.status == 404
