from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from coblyn.api.app import create_app
from coblyn.doctor.consult import consult
from factories import SteppedEngine

FIXTURES = Path(__file__).parents[1] / "doctor" / "fixtures"


async def explain(data: bytes) -> httpx.Response:
    transport = httpx.ASGITransport(create_app(SteppedEngine()))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        return await client.post("/api/coblyn/doctor", content=data)


@pytest.mark.parametrize("name", ["android-ndk-missing", "antivirus"])
async def test_a_log_gets_the_answer_of_the_command(name: str) -> None:
    path = FIXTURES / f"{name}.log"
    reply = await explain(path.read_bytes())
    assert reply.status_code == 200
    told = reply.json()
    wanted = json.loads(json.dumps(consult([str(path)]).to_json()))
    assert [finding["cause"] for finding in told["findings"]] == [name]
    assert told["findings"][0]["fix"] == wanted["findings"][0]["fix"]


async def test_an_empty_log_is_told_and_noise_is_no_crash() -> None:
    assert (await explain(b"  ")).status_code == 400
    reply = await explain(bytes(range(256)) * 100)
    assert reply.status_code == 400, reply.text
