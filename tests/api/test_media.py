"""Images and sounds in every dialect: they stand where they were sent, count as tokens, and are refused by name."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from asgi import Client
from coblyn.api.app import create_app
from coblyn.api.state import ApiOptions
from coblyn.engine.fake import BOS, FakeRunner
from coblyn.engine.local import LocalEngine
from coblyn.engine.prompt import Media, Prompt
from coblyn.errors import FetchError
from coblyn.web_search import places
from media.files import base64_of, bomb, data_address, image_file, sound_file

CHAT = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}"
PICTURE = image_file(size=(64, 96))
"""Six tokens in three positions, between "<" and ">"."""
SOUND = sound_file(0.5)
"""Five tokens."""
DATA = data_address(PICTURE)


@asynccontextmanager
async def opened(*kinds: str, **options: Any) -> AsyncIterator[tuple[Client, LocalEngine]]:
    runner = FakeRunner(script="It is a cat.", chat_template=CHAT, kinds=kinds)  # type: ignore[arg-type]
    engine = LocalEngine(lambda: runner)
    try:
        yield Client(create_app(engine, ApiOptions(**options))), engine
    finally:
        await engine.close()


def prompts(engine: LocalEngine) -> list[Prompt]:
    """All prompts that were made."""
    return list(engine._encoder._kept.values())


def told(prompt: Prompt) -> list[str]:
    """A prompt as a test reads it: its texts, and a word for each image and sound with its cells."""
    return [
        f"{span.cells} cells"
        if isinstance(span, Media)
        else bytes(i for i in span.ids if i != BOS).decode()
        for span in prompt.spans
    ]


def parts(*given: Any) -> list[dict[str, Any]]:
    return [{"type": "text", "text": each} if isinstance(each, str) else each for each in given]


IMAGE_PART = {"type": "image_url", "image_url": {"url": DATA}}
BLOCK = {
    "type": "image",
    "source": {"type": "base64", "media_type": "image/png", "data": base64_of(PICTURE)},
}
SOUND_PART = {"type": "input_audio", "input_audio": {"data": base64_of(SOUND), "format": "wav"}}
SEEN = ["[user]see <", "6 cells", "> here"]

Body = dict[str, Any]


def said(*content: Any) -> list[Body]:
    return [{"role": "user", "content": parts(*content)}]


BODIES: list[tuple[str, Body, list[str]]] = [
    ("/v1/chat/completions", {"messages": said("see ", IMAGE_PART, " here")}, SEEN),
    (
        "/v1/responses",
        {
            "input": [
                {
                    "role": "user",
                    "content": [
                        {"type": "input_text", "text": "see "},
                        {"type": "input_image", "image_url": DATA},
                        {"type": "input_text", "text": " here"},
                    ],
                }
            ]
        },
        SEEN,
    ),
    (
        "/v1/messages",
        {"max_tokens": 90, "messages": said("see", BLOCK, "here")},
        ["[user]see\n\n<", "6 cells", ">\n\nhere"],
    ),
    (
        "/api/chat",
        {"messages": [{"role": "user", "content": "look", "images": [base64_of(PICTURE)]}]},
        ["[user]<", "6 cells", ">look"],
    ),
    (
        "/api/generate",
        {"prompt": "look", "images": [DATA]},
        ["[user]<", "6 cells", ">look"],
    ),
    (
        "/api/generate",
        {"prompt": "look", "images": [base64_of(PICTURE)], "raw": True},
        ["<", "6 cells", ">look"],
    ),
    (
        "/api/v1/generate",
        {"prompt": "look", "memory": "M", "images": [base64_of(PICTURE)]},
        ["M<", "6 cells", ">look"],
    ),
    (
        "/completion",
        {
            "prompt": {
                "prompt_string": "see <__media__> here",
                "multimodal_data": [base64_of(PICTURE)],
            }
        },
        ["see <", "6 cells", "> here"],
    ),
    (
        "/v1/chat/completions",
        {"messages": said("hear ", SOUND_PART)},
        ["[user]hear <", "5 cells", ">"],
    ),
    (
        "/api/v1/generate",
        {"prompt": "x", "images": [base64_of(SOUND)]},
        ["<", "5 cells", ">x"],
    ),
]


@pytest.mark.parametrize(
    ("path", "body", "prompt"), BODIES, ids=[f"{i} {p}" for i, (p, _, _) in enumerate(BODIES)]
)
async def test_it_stands_where_it_was_sent(path: str, body: Body, prompt: list[str]) -> None:
    async with opened("image", "sound") as (client, engine):
        reply = await client.post(path, {"model": "fake", "stream": False, **body})
        assert reply.status == 200, reply.body
        assert "It is a cat." in reply.body.decode()
        assert told(prompts(engine)[-1]) == prompt
        usage = reply.json.get("usage") or {}
        number = (
            usage.get("prompt_tokens")
            or usage.get("input_tokens")
            or reply.json.get("prompt_eval_count")
        )
        if number:
            assert number == prompts(engine)[-1].cells


@pytest.mark.parametrize(
    ("path", "body", "prompt"), BODIES, ids=[f"{i} {p}" for i, (p, _, _) in enumerate(BODIES)]
)
async def test_a_model_of_text_refuses_it_by_name(path: str, body: Body, prompt: list[str]) -> None:
    async with opened() as (client, _):
        reply = await client.post(path, {"model": "fake", "stream": False, **body})
        assert reply.status == 400, (reply.body, prompt)
        assert "this model reads text only" in reply.body.decode()
        assert any(word in reply.body.decode() for word in ("image", "sound"))


async def test_a_model_that_sees_may_not_hear() -> None:
    async with opened("image") as (client, _):
        reply = await client.post("/v1/chat/completions", {"messages": said(SOUND_PART)})
        assert reply.status == 400
        assert "is a sound, and this model takes no sounds" in reply.json["error"]["message"]


async def test_the_same_picture_costs_nothing_in_the_fifth_turn() -> None:
    async with opened("image") as (client, engine):
        messages = said("see ", IMAGE_PART)
        seen = 0
        for _ in range(5):
            reply = await client.post("/v1/chat/completions", {"messages": messages})
            usage = reply.json["usage"]
            cached = usage["prompt_tokens_details"]["cached_tokens"]
            assert cached >= seen
            seen = usage["prompt_tokens"]
            messages += [
                {"role": "assistant", "content": "It is a cat."},
                {"role": "user", "content": "And?"},
            ]
        runner = engine._core.runner
        assert isinstance(runner, FakeRunner)
        assert runner.media.num_taken == 1
        assert sum(row.media is not None for plan in runner.history for row in plan.rows) == 1


@pytest.mark.parametrize(
    ("path", "body", "count"),
    [
        (
            "/v1/messages/count_tokens",
            {"messages": said("see", BLOCK)},
            lambda r: r["input_tokens"],
        ),
        (
            "/v1/chat/completions/input_tokens",
            {"messages": said("see", IMAGE_PART)},
            lambda r: r["input_tokens"],
        ),
        (
            "/v1/responses/input_tokens",
            {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": DATA}]}]},
            lambda r: r["input_tokens"],
        ),
        ("/api/extra/tokencount", {"messages": said("see", IMAGE_PART)}, lambda r: r["value"]),
        (
            "/api/coblyn/plan",
            {"prompt": "see", "images": [base64_of(PICTURE)]},
            lambda r: r["tokens"],
        ),
    ],
)
async def test_its_tokens_are_counted(path: str, body: Body, count: Callable[[Any], int]) -> None:
    async with opened("image") as (client, engine):
        reply = await client.post(path, {"model": "fake", **body})
        assert reply.status == 200, reply.body
        assert count(reply.json) == prompts(engine)[-1].cells > 6


async def test_what_a_tool_shows_is_seen_or_told() -> None:
    use = {"type": "tool_use", "id": "1", "name": "look", "input": {}}
    messages = [
        {"role": "user", "content": "look"},
        {"role": "assistant", "content": [use]},
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "1", "content": [BLOCK]}],
        },
    ]
    body = {"model": "fake", "max_tokens": 9, "messages": messages}
    async with opened("image") as (client, engine):
        assert (await client.post("/v1/messages", body)).status == 200
        assert "6 cells" in told(prompts(engine)[-1])
    async with opened() as (client, engine):
        assert (await client.post("/v1/messages", body)).status == 200
        assert "which this model cannot see" in told(prompts(engine)[-1])[0]


async def test_old_turns_go_with_their_pictures() -> None:
    turns = [*said("x" * 1500, IMAGE_PART), {"role": "assistant", "content": "y" * 2000}]
    turns += said("z" * 1000, IMAGE_PART)
    async with opened("image") as (client, engine):
        reply = await client.post("/v1/responses", {"input": turns, "truncation": "auto"})
        assert reply.status == 200, reply.body
        assert sum("cells" in part for part in told(prompts(engine)[-1])) == 1


async def test_a_template_that_drops_it_is_told_of() -> None:
    runner = FakeRunner(chat_template="{{ messages[-1].role }}", kinds=("image",))
    engine = LocalEngine(lambda: runner)
    reply = await Client(create_app(engine)).post(
        "/v1/chat/completions", {"messages": said("a", IMAGE_PART)}
    )
    assert reply.status == 400
    assert "leaves out" in reply.json["error"]["message"]
    await engine.close()


async def test_marks_are_nobody_s_business() -> None:
    async with opened("image") as (client, engine):
        reply = await client.post("/apply-template", {"messages": said("see ", IMAGE_PART)})
        assert reply.json == {"prompt": "[user]see <__media__>"}
        await client.post("/completion", {"prompt": "see <__media__>", "n_predict": 1})
        assert told(prompts(engine)[-1]) == ["see <__media__>"]
        fields = {"prompt_string": "no place", "multimodal_data": [base64_of(PICTURE)]}
        assert (await client.post("/completion", {"prompt": fields})).status == 400


async def test_answers_and_logs_show_a_word_in_its_place(caplog: pytest.LogCaptureFixture) -> None:
    fields = {"prompt_string": "see <__media__>", "multimodal_data": [base64_of(PICTURE)]}
    caplog.set_level(logging.INFO)
    async with opened("image", logs_texts=True) as (client, _):
        answer = (await client.post("/completion", {"prompt": fields})).json
        assert answer["prompt"] == "see <__media__>"
        await client.post("/v1/chat/completions", {"messages": said("see ", IMAGE_PART)})
    facts = [getattr(record, "facts", {}) for record in caplog.records]
    logged = [each["prompt"] for each in facts if "prompt" in each]
    assert logged[0] == "see <__media__>"
    assert (logged[1][0]["content"], logged[1][0]["media"]) == ("see <__media__>", ())
    json.dumps(logged)


async def test_what_can_be_sent_is_said() -> None:
    async with opened("image", "sound") as (client, _):
        props = (await client.get("/props")).json
        assert props["modalities"] == {"vision": True, "audio": True}
        assert props["media_marker"] == "<__media__>"
        (model,) = (await client.get("/v1/models")).json["data"]
        assert model["architecture"]["input_modalities"] == ["text", "image", "audio"]
        version = (await client.get("/api/extra/version")).json
        assert (version["vision"], version["audio"]) == (True, True)
        shown = (await client.post("/api/show", {"model": "fake"})).json
        assert {"vision", "audio"} <= set(shown["capabilities"])
    async with opened() as (client, _):
        assert (await client.get("/props")).json["modalities"] == {"vision": False, "audio": False}
        assert (
            "vision" not in (await client.post("/api/show", {"model": "fake"})).json["capabilities"]
        )


HOSTILE: dict[str, Any] = {
    "no base64": "data:image/png;base64,!!!",
    "nothing": "data:image/png;base64,",
    "no data": "data:image/png;base64,AAAA",
    "text": data_address(b"hello", "text/plain"),
    "page": data_address(b"<html><script>alert(1)</script>", "image/png"),
    "vector": data_address(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
    "bomb": data_address(bomb(20_000, 20_000)),
    "wide": data_address(image_file(size=(400, 1))),
    "cut": data_address(PICTURE[:-100]),
    "file": "file:///etc/passwd",
    "path": "/etc/passwd",
    "other scheme": "gopher://x/",
    "script": "javascript:alert(1)",
    "number": 5,
    "list": [DATA],
    "null": None,
    "object": {},
    "nested": {"url": {"url": DATA}},
    "address": "http://127.0.0.1:1/x.png",
}


@pytest.mark.parametrize("url", HOSTILE.values(), ids=HOSTILE)
async def test_what_cannot_be_seen_is_refused(url: Any) -> None:
    async with opened("image") as (client, _):
        part = {"type": "image_url", "image_url": url}
        reply = await client.post("/v1/chat/completions", {"messages": said("a", part)})
        assert reply.status == 400, reply.body
        assert reply.json["error"]["message"].startswith("messages[0].content[1]")
        assert (await client.post("/v1/chat/completions", {"messages": said("a")})).status == 200


async def test_a_hundred_are_too_many_and_sixty_are_not() -> None:
    async with opened("image") as (client, _):
        reply = await client.post(
            "/v1/chat/completions", {"messages": said(*[IMAGE_PART] * 60), "max_tokens": 1}
        )
        assert reply.status == 200
        reply = await client.post("/v1/chat/completions", {"messages": said(*[IMAGE_PART] * 100)})
        assert reply.status == 400
        assert "64" in reply.json["error"]["message"]


AWAY = {"type": "image_url", "image_url": "https://example.com/a.png"}


class TestAddresses:
    async def test_are_not_fetched_unless_that_is_allowed(self) -> None:
        async with opened("image") as (client, _):
            reply = await client.post("/v1/chat/completions", {"messages": said(AWAY)})
            assert reply.status == 400
            assert "--fetch-media" in reply.json["error"]["message"]

    async def test_are_fetched_if_it_is(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[tuple[str, int]] = []

        async def fetch(url: str, max_size: int) -> bytes:
            asked.append((url, max_size))
            return PICTURE

        monkeypatch.setattr(places, "fetch_public", fetch)
        async with opened("image", fetch_media=True) as (client, engine):
            reply = await client.post("/v1/chat/completions", {"messages": said(AWAY)})
            assert reply.status == 200
            assert told(prompts(engine)[-1]) == ["[user]<", "6 cells", ">"]
        assert asked == [("https://example.com/a.png", 20 << 20)]

    @pytest.mark.parametrize(
        "host", ["127.0.0.1", "[::1]", "10.0.0.1", "169.254.169.254", "localhost", "0.0.0.0"]
    )
    async def test_of_no_public_place_are_never_fetched(self, host: str) -> None:
        with pytest.raises(FetchError, match="not of the public web"):
            await places.fetch_public(f"http://{host}/a.png", 1000)
        async with opened("image", fetch_media=True) as (client, _):
            part = {"type": "image_url", "image_url": f"http://{host}/a.png"}
            reply = await client.post("/v1/chat/completions", {"messages": said(part)})
            assert reply.status == 400
            assert "public web" in reply.json["error"]["message"]
