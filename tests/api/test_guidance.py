"""A negative prompt and how far it guides, in every dialect that has words for that."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from asgi import Client
from coblyn.api.app import create_app
from coblyn.engine.fake import BOS, FakeRunner
from coblyn.engine.local import LocalEngine

PATHS = {
    "/api/v1/generate": "max_length",
    "/v1/completions": "max_tokens",
    "/completion": "n_predict",
}
"""By dialect what says how many tokens are wanted."""


@pytest.fixture
def runner() -> FakeRunner:
    return FakeRunner()


@pytest.fixture
async def guided(runner: FakeRunner) -> AsyncIterator[Client]:
    engine = LocalEngine(lambda: runner, max_running=4, max_waiting=3)
    yield Client(create_app(engine))
    await engine.close()


async def sequences(client: Client, runner: FakeRunner, path: str, **body: Any) -> list[bytes]:
    """What stands in the sequences of the answer, the guide's last."""
    reply = await client.post(path, body)
    assert reply.status == 200, reply.body
    assert "x-coblyn-warnings" not in reply.headers
    assert "warnings" not in reply.json
    rows = [row for plan in runner.history for row in plan.rows]
    ids = dict.fromkeys(row.sequence for row in sorted(rows, key=lambda row: row.is_guide))
    return [bytes(token for token in runner.held[each] if token != BOS) for each in ids]


@pytest.mark.parametrize(("path", "length"), PATHS.items())
async def test_the_text_is_computed_behind_both(
    guided: Client, runner: FakeRunner, path: str, length: str
) -> None:
    body = {"prompt": "Once", "negative_prompt": "Never so", "guidance_scale": 1.5, length: 4}
    assert await sequences(guided, runner, path, **body) == [b"OnceThe", b"Never soThe"]


@pytest.mark.parametrize(("path", "length"), PATHS.items())
@pytest.mark.parametrize("scale", [{}, {"guidance_scale": 1}])
async def test_a_negative_prompt_without_a_scale_changes_nothing_and_that_is_said(
    guided: Client, runner: FakeRunner, path: str, length: str, scale: dict[str, float]
) -> None:
    body = {"prompt": "Once", "negative_prompt": "Never so", length: 4, **scale}
    reply = await guided.post(path, body)
    assert reply.status == 200, reply.body
    assert reply.headers["x-coblyn-warnings"] == "negative_prompt"
    assert "guidance_scale is 1" in reply.json["warnings"]["negative_prompt"]
    assert not any(row.is_guide for plan in runner.history for row in plan.rows)


async def test_a_scale_alone_guides_away_from_no_prompt_at_all(
    guided: Client, runner: FakeRunner
) -> None:
    body = {"prompt": "Once", "guidance_scale": 3, "max_tokens": 4}
    assert await sequences(guided, runner, "/v1/completions", **body) == [b"OnceThe", b"The"]


async def test_in_a_conversation_it_stands_for_what_the_system_says(
    guided: Client, runner: FakeRunner
) -> None:
    messages = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello"}]
    body = {"messages": messages, "negative_prompt": "Be rude.", "guidance_scale": 2}
    text, away = await sequences(guided, runner, "/v1/chat/completions", **body, max_tokens=4)
    assert b"Be kind." in text
    assert text.replace(b"Be kind.", b"Be rude.") == away


async def test_choices_share_it(guided: Client, runner: FakeRunner) -> None:
    body = {"prompt": "x" * 60, "negative_prompt": "y" * 60, "guidance_scale": 2}
    reply = await guided.post("/v1/completions", body | {"max_tokens": 5, "n": 3})
    assert [each["text"] for each in reply.json["choices"]] == ["The l"] * 3
    read = sum(len(row.tokens) for plan in runner.history for row in plan.rows)
    assert read <= 61 + 61 + 3 * 2 * 5


async def test_what_is_wrong_is_named(guided: Client) -> None:
    body = {"prompt": "x", "negative_prompt": 5, "guidance_scale": 2}
    reply = await guided.post("/v1/completions", body)
    assert reply.status == 400
    body["negative_prompt"] = "y" * 5000
    reply = await guided.post("/v1/completions", body)
    assert reply.status == 400
    assert "negative_prompt" in str(reply.json), reply.body
    reply = await guided.post("/v1/completions", {"prompt": "x", "guidance_scale": "far"})
    assert (reply.status, reply.json["error"]["param"]) == (400, "guidance_scale")
