"""What could come next, after each sampler, over the scripted engine."""

from __future__ import annotations

import pytest

from asgi import Client
from coblyn.api.app import create_app
from coblyn.engine.fake import FakeRunner
from coblyn.engine.local import LocalEngine

OFF = {"temperature": 1, "top_p": 1, "top_k": 0, "min_p": 0, "rep_pen": 1}


@pytest.fixture
async def client() -> Client:
    return Client(create_app(LocalEngine(FakeRunner)))


async def test_each_sampler_shows_what_it_leaves(client: Client) -> None:
    body = {"prompt": "Once", **OFF, "temperature": 0.5, "top_k": 3}
    answer = (await client.post("/api/coblyn/sample?top=2", body)).json
    model, top_k, temperature = answer["stages"]
    assert (model["name"], top_k["name"], temperature["name"]) == ("model", "top_k", "temperature")
    assert [stage["num_candidates"] for stage in answer["stages"]] == [256, 3, 3]
    assert top_k["values"] == {"top_k": 3.0}
    assert [len(stage["candidates"]) for stage in answer["stages"]] == [2, 2, 2]
    best = [stage["candidates"][0] for stage in answer["stages"]]
    assert {each["text"] for each in best} == {"T"}
    assert [each["probability"] for each in best] == pytest.approx(
        [0.5, 0.5 / 0.875, 1 / (1 + 1 / 4 + 1 / 16)], rel=1e-6
    )


async def test_what_was_read_is_not_read_again(client: Client) -> None:
    for temperature in (0.5, 0.6, 0.7):
        body = {"prompt": "Once", **OFF, "temperature": temperature}
        assert (await client.post("/api/coblyn/sample", body)).status == 200
    perf = (await client.get("/api/extra/perf")).json
    assert perf["total_gens"] == 1


async def test_the_history_counts(client: Client) -> None:
    body = {"prompt": "TTTT", **OFF, "rep_pen": 3}
    stages = (await client.post("/api/coblyn/sample?top=1", body)).json["stages"]
    best = [stage["candidates"][0]["text"] for stage in stages]
    assert (best[0], best[-1]) == ("T", "\x00")


@pytest.mark.parametrize("top", ["0", "101", "-3", "x"])
async def test_how_many_candidates_is_a_small_number(client: Client, top: str) -> None:
    answer = await client.post(f"/api/coblyn/sample?top={top}", {"prompt": "Once"})
    assert answer.status == 400
    assert "top" in answer.body.decode()
