"""States of texts over HTTP, as KoboldCPP's and llama-server's clients save and load them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from asgi import Client
from coblyn.api.app import create_app
from coblyn.api.state import ApiOptions
from coblyn.engine.fake import FakeRunner
from coblyn.engine.local import LocalEngine

STORY = "The lamp went out on the third level of the mine. "


@pytest.fixture
async def engine() -> AsyncIterator[LocalEngine]:
    engine = LocalEngine(lambda: FakeRunner(shelf_tokens=4000), max_running=2)
    yield engine
    await engine.close()


@pytest.fixture
def client(engine: LocalEngine, tmp_path: Path) -> Client:
    return Client(create_app(engine, ApiOptions(state_dir=tmp_path)))


async def cached(client: Client, text: str = STORY) -> int:
    """Tokens of a text that were in memory when it was asked for."""
    body = {"prompt": text, "max_tokens": 4}
    usage = (await client.post("/v1/completions", body)).json["usage"]
    return int(usage["prompt_tokens_details"]["cached_tokens"])


async def test_koboldcpps_slots(client: Client) -> None:
    nothing = (await client.post("/api/admin/save_state", {"slot": 0})).json
    assert (nothing["success"], nothing["new_tokens"]) == (False, 0)
    assert "no text" in nothing["error"]
    assert await cached(client) == 0
    saved = (await client.post("/api/admin/save_state", {"slot": 3})).json
    assert saved["success"]
    tokens, size = saved["new_tokens"], saved["new_state_size"]
    assert tokens > len(STORY)
    assert size > 0
    checked = (await client.post("/api/admin/check_state", {})).json
    assert checked["new_tokens"] == tokens
    empty = {"tokens": 0, "size": 0}
    assert checked["old_states"] == [empty, empty, empty, {"tokens": tokens, "size": size}, empty]
    await client.post("/slots/0?action=erase", {})
    assert await cached(client) == 0
    await client.post("/slots/0?action=erase", {})
    loaded = (await client.post("/api/admin/load_state", {"slot": 3})).json
    assert loaded == {"success": True, "new_tokens": tokens}
    assert await cached(client) == len(STORY) + 1
    outside = (await client.post("/api/admin/save_state", {"slot": 77})).json
    assert outside["success"]
    assert (await client.post("/api/admin/load_state", {"slot": 0})).json["success"]
    assert (await client.post("/api/admin/clear_state", {})).json == {"success": True}
    gone = (await client.post("/api/admin/load_state", {"slot": 3})).json
    assert (gone["success"], gone["new_tokens"], gone["error"]) == (False, 0, "Slot 3 is empty.")


async def test_llama_servers_slots(client: Client, tmp_path: Path) -> None:
    await cached(client)
    saved = (await client.post("/slots/0?action=save", {"filename": "mine.bin"})).json
    assert saved["timings"]["save_ms"] >= 0
    assert (saved["id_slot"], saved["filename"]) == (0, "mine.bin")
    assert saved["n_written"] == len((tmp_path / "mine.bin").read_bytes())
    erased = (await client.post("/slots/0?action=erase", {})).json
    assert erased == {"id_slot": 0, "n_erased": saved["n_saved"]}
    assert (await client.post("/slots/0?action=erase", {})).status == 404
    restored = (await client.post("/slots/1?action=restore", {"filename": "mine.bin"})).json
    assert restored["timings"]["restore_ms"] >= 0
    assert restored["n_restored"] == saved["n_saved"]
    assert restored["n_read"] == saved["n_written"]
    assert await cached(client) == len(STORY) + 1
    assert len((await client.get("/slots")).json) == 8


@pytest.mark.parametrize(
    ("path", "name", "status"),
    [
        ("/slots/0?action=save", "../x", 400),
        ("/slots/0?action=save", "/etc/x", 400),
        ("/slots/0?action=save", "a/b", 400),
        ("/slots/0?action=save", "a\\b", 400),
        ("/slots/0?action=save", ".x", 400),
        ("/slots/0?action=save", "", 400),
        ("/slots/0?action=save", "x" * 300, 400),
        ("/slots/0?action=save", "a\x00b", 400),
        ("/slots/0?action=restore", "nothing", 404),
        ("/slots/0?action=fly", "x", 400),
        ("/slots/0", "x", 400),
        ("/slots/no?action=save", "x", 400),
        ("/slots/9?action=save", "x", 404),
    ],
)
async def test_what_is_wrong_is_refused(
    client: Client, tmp_path: Path, path: str, name: str, status: int
) -> None:
    await cached(client)
    reply = await client.post(path, {"filename": name})
    assert reply.status == status
    assert not list(tmp_path.iterdir())  # noqa: ASYNC240 - a test


async def test_without_a_directory_nothing_is_saved(engine: LocalEngine) -> None:
    client = Client(create_app(engine))
    await cached(client)
    reply = await client.post("/slots/0?action=save", {"filename": "x"})
    assert reply.status == 501
    assert "--slot-save-path" in reply.body.decode()
