"""The models that a page can choose from."""

from __future__ import annotations

from pathlib import Path

import pytest

from asgi import Client
from coblyn.api.app import create_app
from factories import SteppedEngine
from service.test_demand import FakeLoader, files, make
from service.test_picker import FakeSwitch

__all__ = ["files"]


@pytest.fixture
def switch(files: Path) -> FakeSwitch:
    return FakeSwitch(make(files, FakeLoader()))


@pytest.fixture
def client(switch: FakeSwitch) -> Client:
    engine = switch.models.default.engine
    return Client(create_app(engine, loader=FakeLoader(), switch=switch))


async def test_models_are_listed_with_what_their_files_say(client: Client) -> None:
    answer = (await client.get("/api/coblyn/models")).json
    rows = {row["name"]: row for row in answer["models"]}
    assert [row["answers"] for row in answer["models"]] == [True, False, False]
    assert rows["second"] | {"size": 0, "num_parameters": 0} == {
        "name": "second",
        "size": 0,
        "architecture": "llama",
        "num_parameters": 0,
        "quantization": rows["second"]["quantization"],
        "state": "here",
        "answers": False,
        "trouble": "",
    }
    assert [row["is_starter"] for row in answer["catalogue"]] == [True, False]
    assert answer["memory"]["total"] > answer["memory"]["available"] > 0
    assert (answer["work"], answer["failure"], answer["can_load"]) == (None, None, True)


async def test_a_model_of_another_folder_is_here_too(tmp_path: Path) -> None:
    (starter := tmp_path / "SmolLM2-135M-Instruct.Q4_1.gguf").touch()
    client = Client(create_app(SteppedEngine(name=starter.stem, path=str(starter))))
    answer = (await client.get("/api/coblyn/models")).json
    here = {entry["name"]: entry["is_here"] for entry in answer["catalogue"]}
    assert here[starter.stem] is True
    assert sum(here.values()) == 1


async def test_a_load_is_told_while_it_goes_on(client: Client, switch: FakeSwitch) -> None:
    begun = await client.post("/api/coblyn/models/load", {"name": "second"})
    assert begun.status == 202
    assert begun.json["work"]["kind"] == "load"
    told = (await client.get("/api/coblyn/models/work")).json
    assert (told["work"]["done"], told["work"]["total"]) == (250, 1000)
    assert (await client.get("/health")).json["status"] == "ok", "the old one answers still"
    switch.models.default.engine.state = "stopped"  # type: ignore[attr-defined]
    health = (await client.get("/health")).json
    assert (health["status"], health["model"], health["loaded"]) == ("loading", "second", 0)
    busy = await client.post("/api/coblyn/models/load", {"name": "third"})
    assert busy.status == 503
    switch.may_go_on.set()


async def test_names_that_mean_nothing_are_refused(client: Client) -> None:
    missing = await client.post("/api/coblyn/models/fetch", {"name": "nothing"})
    assert missing.status == 404
    assert (await client.post("/api/coblyn/models/load", {"name": 3})).status == 400
    assert (await client.post("/api/coblyn/models/unload", {"name": "second"})).status == 404


async def test_a_server_of_one_model_says_that_it_changes_none() -> None:
    client = Client(create_app(SteppedEngine()))
    assert (await client.get("/api/coblyn/models")).json["can_load"] is False
    assert (await client.post("/api/coblyn/models/load", {"name": "fake"})).status == 404
