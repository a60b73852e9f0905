"""All paths of KoboldCPP's published description, with its own example bodies: what each answers here."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from asgi import Client
from coblyn.api.app import create_app
from coblyn.api.state import ApiOptions
from coblyn.errors import DiskFull
from factories import SteppedEngine

NIKO = "Niko the kobold stalked carefully down the alley."
DRAW = {"prompt": "picture of a kobold", "steps": 20, "width": 512, "height": 512, "seed": -1}
CHAT = [{"role": "user", "content": "Tell me a joke about kobolds."}]

GETS: list[tuple[str, Any]] = [
    ("/api/v1/config/max_context_length", {"value": 4096}),
    ("/api/v1/config/max_length", {"value": 2048}),
    ("/api/v1/info/version", {"result": "1.2.5"}),
    ("/api/v1/model", {"result": "koboldcpp/fake"}),
    ("/api/extra/true_max_context_length", {"value": 4096}),
    ("/api/extra/version", {"result": "KoboldCpp"}),
    ("/api/extra/preloadstory", {}),
    ("/api/extra/perf", {"queue": 0, "idle": 1}),
    ("/api/extra/generate/check", {"results": [{"text": ""}]}),
    ("/api/extra/speakers_list", {"results": []}),
    ("/api/admin/list_options", []),
    ("/.well-known/serviceinfo", {"version": "0.2"}),
    ("/sdapi/v1/sd-models", []),
    ("/sdapi/v1/options", {"samples_format": "png"}),
    ("/sdapi/v1/samplers", []),
    ("/v1/models", {"object": "list"}),
    ("/props", {"total_slots": 8}),
]

POSTS: list[tuple[str, Any, int, Any]] = [
    (
        "/api/v1/generate",
        {"max_context_length": 2048, "max_length": 4, "prompt": NIKO, "quiet": False},
        200,
        {"results": [{"text": "NIKO"}]},
    ),
    ("/api/extra/generate/check", {"genkey": "KCPP2342"}, 200, {"results": [{"text": ""}]}),
    ("/api/extra/last_logprobs", {"genkey": "KCPP2342"}, 200, {"logprobs": None}),
    ("/api/extra/tokencount", {"prompt": "Hello"}, 200, {"value": 6}),
    ("/api/extra/detokenize", {"ids": [72, 105]}, 200, {"result": "Hi", "success": True}),
    ("/api/extra/abort", {"genkey": "KCPP2342"}, 200, {"success": "false", "done": "false"}),
    ("/api/extra/multiplayer/status", {"sender": "KCPP_1234", "senderbusy": True}, 200, {}),
    (
        "/api/extra/multiplayer/setstory",
        {"full_update": True, "sender": "me", "data_format": "kcpp_lzma_b64", "data": "story"},
        400,
        {"success": False},
    ),
    ("/api/extra/websearch", {"q": "What is KoboldCpp"}, 200, []),
    ("/api/extra/data/list", None, 200, []),
    ("/api/extra/data/load", {"slot": "1"}, 200, {"success": False, "data": None}),
    (
        "/api/extra/data/save",
        {"slot": "1", "format": "kcpp_lzma_b64", "title": "Untitled Story", "data": "base64_data"},
        400,
        {"success": False},
    ),
    (
        "/api/extra/json_to_grammar",
        {"schema": {"type": "object", "properties": {"due": {"type": ["string", "null"]}}}},
        200,
        {"success": True},
    ),
    ("/api/extra/shutdown", None, 200, {"success": False}),
    (
        "/api/admin/reload_config",
        {"filename": "file1.kcpps", "baseconfig": ""},
        200,
        {"success": False},
    ),
    ("/api/admin/check_state", None, 200, {"success": True, "new_tokens": 0}),
    ("/api/admin/save_state", {"slot": 0}, 200, {"success": True, "new_tokens": 0}),
    ("/api/admin/load_state", {"slot": 0}, 200, {"success": True, "new_tokens": 0}),
    ("/api/admin/clear_state", None, 200, {"success": True}),
    ("/api/extra/transcribe", {"audio_data": "UklGRg=="}, 404, {}),
    ("/api/extra/tts", {"input": "hello world", "voice": "kobo"}, 404, {}),
    ("/api/extra/music/prepare", {"caption": "A song about the kobold war."}, 404, {}),
    ("/api/extra/music/generate", {"caption": "A melancholic song"}, 404, {}),
    ("/sdapi/v1/txt2img", DRAW, 404, {}),
    ("/sdapi/v1/img2img", DRAW | {"init_images": []}, 404, {}),
    ("/sdapi/v1/interrogate", {"image": "aGk=", "model": "clip"}, 404, {}),
    ("/sdapi/v1/upscale", {"image": "aGk=", "upscaling_resize": 2}, 404, {}),
    ("/v1/completions", {"model": "kcpp", "prompt": "Hi", "max_tokens": 64}, 200, {}),
    ("/v1/chat/completions", {"model": "kcpp", "messages": CHAT, "temperature": 0.7}, 200, {}),
    (
        "/api/extra/embeddings",
        {"model": "kcpp", "input": NIKO, "truncate": True},
        200,
        {"object": "list"},
    ),
    ("/v1/embeddings", {"model": "kcpp", "input": NIKO, "truncate": True}, 200, {"object": "list"}),
    ("/v1/responses", {"model": "kcpp", "input": "Tell me a joke."}, 200, {"object": "response"}),
    (
        "/v1/messages",
        {"model": "claude", "max_tokens": 9, "messages": CHAT},
        200,
        {"type": "message"},
    ),
    ("/v1/audio/transcriptions", {}, 404, {}),
    ("/v1/audio/speech", {"model": "kcpp", "input": "Hello", "voice": "alloy"}, 404, {}),
]


def holds(answer: Any, expected: Any) -> bool:
    """Whether an answer has all that is expected, and maybe more."""
    if isinstance(expected, dict):
        return isinstance(answer, dict) and all(
            key in answer and holds(answer[key], value) for key, value in expected.items()
        )
    if isinstance(expected, list) and expected:
        return len(answer) == len(expected) and all(map(holds, answer, expected))
    return bool(answer == expected)


@pytest.mark.parametrize("prefix", ["", "/somewhere"])
@pytest.mark.parametrize(("path", "expected"), GETS)
async def test_what_is_asked(path: str, expected: Any, prefix: str, client: Client) -> None:
    reply = await client.get(prefix + path + "/")
    assert reply.status == 200
    assert holds(reply.json, expected), reply.json


@pytest.mark.parametrize(("path", "body", "status", "expected"), POSTS)
async def test_what_is_done(
    path: str, body: Any, status: int, expected: Any, client: Client
) -> None:
    reply = await client.post(path, body)
    assert reply.status == status
    assert holds(reply.json, expected), reply.json


def test_all_paths_of_the_published_description_are_here() -> None:
    streams = {"/api/extra/generate/stream", "/api/extra/multiplayer/getstory"}
    paths = {path for path, _ in GETS} | {path for path, *_ in POSTS} | streams
    assert len(paths) == 53


async def test_the_story_stream(client: Client) -> None:
    body = {"prompt": NIKO, "temperature": 0.5, "top_p": 0.9, "max_length": 2}
    reply = await client.post("/api/extra/generate/stream", body)
    assert reply.body.count(b"event: message") == 3


async def test_no_shared_story_is_no_text(client: Client) -> None:
    reply = await client.post("/api/extra/multiplayer/getstory")
    assert (reply.status, reply.body) == (200, b"")


async def test_a_schema_becomes_a_grammar_that_is_taken_back(client: Client) -> None:
    schema = {"type": "array", "items": {"enum": ["A"]}}
    for given in (schema, json.dumps(schema)):
        reply = await client.post("/api/extra/json_to_grammar", {"schema": given})
        assert reply.json["success"] is True
    body = {"prompt": "a", "grammar": reply.json["result"]}
    assert (await client.post("/api/v1/generate", body)).status == 200


@pytest.mark.parametrize("schema", ["{", None, 5, {"pattern": "a"}, False, "[" * 5000])
async def test_what_is_no_schema_is_refused_by_name(schema: Any, client: Client) -> None:
    reply = await client.post("/api/extra/json_to_grammar", {"schema": schema})
    assert reply.status == 200
    assert reply.json["success"] is False
    assert reply.json["error"]


async def test_the_oldest_way(client: Client) -> None:
    reply = await client.post("/request", {"prompt": "abc", "max_length": 2})
    assert reply.json == {"data": {"seqs": ["AB"]}}


async def test_what_is_not_here_is_refused_by_name(client: Client) -> None:
    detail = (await client.post("/sdapi/v1/txt2img", DRAW)).json["detail"]
    assert "pictures" in detail["msg"]
    assert detail["type"] == "not_found"


async def test_a_story_to_begin_with(engine: SteppedEngine) -> None:
    client = Client(create_app(engine, ApiOptions(preload_story='{"prompt": "Once"}')))
    assert (await client.get("/api/extra/preloadstory")).json == {"prompt": "Once"}


class TestSlots:
    @pytest.fixture
    def client(self, engine: SteppedEngine, tmp_path: Path) -> Client:
        return Client(
            create_app(engine, ApiOptions(data_slots=tmp_path / "new" / "stories.sqlite"))
        )

    async def save(self, client: Client, slot: Any, data: Any = "AAAA") -> Any:
        body = {"slot": slot, "format": "kcpp_lzma_b64", "title": f"Story {slot}", "data": data}
        return await client.post("/api/extra/data/save", body)

    async def test_stories_come_back_also_to_another_server(
        self, client: Client, tmp_path: Path
    ) -> None:
        assert (await client.get("/api/extra/version")).json["savedata"] is True
        assert (await client.post("/api/extra/data/list")).json == [""] * 12
        assert (await self.save(client, "1")).json == {"success": True, "error": ""}
        options = ApiOptions(data_slots=tmp_path / "new" / "stories.sqlite")
        other = Client(create_app(SteppedEngine(), options))
        assert (await other.post("/api/extra/data/list")).json == ["", "Story 1", *[""] * 10]
        loaded = await other.post("/api/extra/data/load", {"slot": "1"})
        saved = {"title": "Story 1", "format": "kcpp_lzma_b64", "data": "AAAA"}
        assert loaded.json == {"success": True, "data": saved}

    async def test_empty_data_empty_a_slot(self, client: Client) -> None:
        await self.save(client, 3)
        await self.save(client, 3, "")
        loaded = await client.post("/api/extra/data/load", {"slot": 3})
        assert loaded.json == {"success": False, "data": None}
        assert (await client.post("/api/extra/data/list")).json == [""] * 12

    @pytest.mark.parametrize("slot", [12, -1, "x", None, [1], 1e300, {}])
    async def test_a_slot_that_is_none_is_refused(self, slot: Any, client: Client) -> None:
        reply = await self.save(client, slot)
        assert reply.status == 400
        assert reply.json["success"] is False
        assert "slot" in reply.json["error"]
        assert (await client.post("/api/extra/data/list")).json == [""] * 12

    @pytest.mark.parametrize("data", [5, None, ["AAAA"], "A" * (10 * 2**20 + 1)])
    async def test_data_that_are_none_overwrite_nothing(self, data: Any, client: Client) -> None:
        await self.save(client, 0)
        reply = await self.save(client, 0, data)
        assert (reply.status, reply.json["success"]) == (400, False)
        assert (await client.post("/api/extra/data/load", {"slot": 0})).json["success"] is True

    async def test_a_file_that_is_no_database_is_named(
        self, engine: SteppedEngine, tmp_path: Path
    ) -> None:
        file = tmp_path / "broken.sqlite"
        file.write_text("This is not a database, and long enough to be looked at." * 20)
        client = Client(create_app(engine, ApiOptions(data_slots=file)))
        reply = await client.post("/api/extra/data/list")
        assert reply.status == 500
        assert str(file) in reply.json["detail"]["msg"]

    async def test_a_full_disk_is_named_and_keeps_what_was_saved(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await self.save(client, 1)
        connect = sqlite3.connect

        def small(*args: Any, **options: Any) -> sqlite3.Connection:
            connection = connect(*args, **options)
            connection.execute("PRAGMA max_page_count = 3")
            return connection

        monkeypatch.setattr(sqlite3, "connect", small)
        reply = await self.save(client, 1, "B" * 100_000)
        assert reply.status == DiskFull.status
        assert "no room left" in reply.json["detail"]["msg"]
        loaded = await client.post("/api/extra/data/load", {"slot": 1})
        assert loaded.json["data"]["data"] == "AAAA"


class TestMultiplayer:
    @pytest.fixture
    def client(self, engine: SteppedEngine) -> Client:
        return Client(create_app(engine, ApiOptions(has_multiplayer=True)))

    async def set(self, client: Client, data: str, *, full: bool) -> Any:
        body = {"full_update": full, "sender": "a", "data_format": "kcpp_lzma_b64", "data": data}
        return await client.post("/api/extra/multiplayer/setstory", body)

    async def test_a_story_is_shared(self, client: Client) -> None:
        assert (await client.get("/api/extra/version")).json["multiplayer"] is True
        await self.set(client, "first", full=True)
        reply = await self.set(client, "second", full=False)
        assert reply.json == {
            "success": True,
            "turn_major": 2,
            "turn_minor": 2,
            "idle": 1,
            "data_format": "kcpp_lzma_b64",
        }
        assert (await client.post("/api/extra/multiplayer/getstory")).body == b"second"
        again = await self.set(client, "third", full=True)
        assert (again.json["turn_major"], again.json["turn_minor"]) == (3, 1)

    async def test_a_first_small_change_is_a_version_that_pages_fetch(self, client: Client) -> None:
        """KoboldAI Lite fetches no story of major version 0, which it takes for none."""
        before = (await client.post("/api/extra/multiplayer/status", {"sender": "b"})).json
        assert (before["turn_major"], before["turn_minor"], before["data_format"]) == (1, 1, "")
        await self.set(client, "first", full=False)
        after = (await client.post("/api/extra/multiplayer/status", {"sender": "b"})).json
        assert (after["turn_major"], after["turn_minor"]) == (1, 2)
        assert after["data_format"] == "kcpp_lzma_b64"

    async def test_who_is_busy_is_seen_by_others(self, client: Client) -> None:
        async def idle(sender: str, *, busy: bool) -> int:
            body = {"sender": sender, "senderbusy": busy}
            reply = await client.post("/api/extra/multiplayer/status", body)
            return int(reply.json["idle"])

        assert await idle("a", busy=True) == 1
        assert await idle("b", busy=False) == 0
        assert await idle("a", busy=False) == 1
        assert await idle("b", busy=False) == 1

    @pytest.mark.parametrize("data", ["", "A" * (3 * 2**20 + 1)])
    async def test_no_story_and_too_large_a_one_are_refused(
        self, data: str, client: Client
    ) -> None:
        reply = await self.set(client, data, full=True)
        assert (reply.status, reply.json["success"]) == (400, False)
        assert (await client.post("/api/extra/multiplayer/getstory")).body == b""
