"""Tokens of many texts in one request."""

from __future__ import annotations

from typing import Any

import pytest

from asgi import Client
from coblyn.api.app import create_app
from coblyn.api.counting import MAX_CHARACTERS, MAX_TEXTS
from factories import SteppedEngine


@pytest.fixture
def client() -> Client:
    return Client(create_app(SteppedEngine()))


async def count(client: Client, texts: Any, **others: Any) -> Any:
    return await client.post("/api/coblyn/tokens", {"texts": texts, **others})


async def test_each_text_has_the_count_that_it_has_alone(client: Client) -> None:
    texts = ["", "A lamp.", "<s>", "灯", "A lamp."]
    counts = (await count(client, texts)).json
    alone = [
        (await client.post("/api/extra/tokencount", {"prompt": text, "special": False})).json
        for text in texts
    ]
    assert counts["tokens"] == [one["value"] for one in alone]
    assert counts["tokens"][0] == 0
    assert counts["model"] == "fake"
    assert (await count(client, [])).json["tokens"] == []


async def test_what_is_too_much_says_how_much_may_be_sent(client: Client) -> None:
    assert (await count(client, [""] * MAX_TEXTS)).status == 200
    many = await count(client, [""] * (MAX_TEXTS + 1))
    assert many.status == 400
    assert f"at most {MAX_TEXTS}" in str(many.json)
    long = await count(client, ["a" * MAX_CHARACTERS, "b"])
    assert long.status == 400
    assert f"at most {MAX_CHARACTERS}" in str(long.json)


@pytest.mark.parametrize("texts", [None, "A lamp.", [3], {"a": "b"}])
async def test_what_is_no_list_of_texts_is_refused(client: Client, texts: Any) -> None:
    answer = await count(client, texts)
    assert answer.status == 400
    assert "texts" in str(answer.json)
