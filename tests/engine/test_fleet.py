"""Engines beside the first, in real processes."""

from __future__ import annotations

import psutil
import pytest

from asgi import Client
from coblyn import paths
from coblyn.api.app import create_app
from coblyn.cli.loader import Configurer, FleetLoader
from coblyn.engine.client import ProcessEngine
from coblyn.engine.config import EngineConfig
from coblyn.engine.exchange import EngineExchange
from coblyn.engine.fleet import Fleet
from coblyn.errors import EngineStopped, ModelError
from coblyn.native.bundle import Bundle
from gguf_file import lora_of, random_model, whole_model

FAKE = EngineConfig(model="")


def first_of(config: EngineConfig) -> EngineExchange:
    return EngineExchange(config, Fleet(ProcessEngine), fits=lambda _: True)


async def test_all_end_together() -> None:
    first = first_of(FAKE)
    fleet = first.fleet
    await first.start()
    second, third = await fleet.load(FAKE), await fleet.load(FAKE)
    pids = [first.pid, second.pid, third.pid]
    await fleet.release(second)
    assert [psutil.pid_exists(pid) for pid in pids] == [True, False, True]
    fleet.drain()
    with pytest.raises(EngineStopped, match="stopping"):
        await fleet.load(FAKE)
    await fleet.close()
    assert not any(psutil.pid_exists(pid) for pid in pids)


@pytest.mark.native
async def test_a_second_model_is_loaded_by_name_and_answers(bundle: Bundle) -> None:
    folder = paths.models()
    one = whole_model().write(folder / "one.gguf")
    random_model().write(folder / "two.gguf")
    lora_of(random_model()).write(folder / "lora" / "poet.gguf")
    paths.own_settings().parent.mkdir(parents=True, exist_ok=True)
    paths.own_settings().write_text(f"[two]\nadapters = {{ poet = '{folder}/lora/poet.gguf' }}\n")
    (folder / "broken.gguf").write_bytes(whole_model().data[:4000])
    config = EngineConfig(
        model=str(one), library=str(bundle.lib_dir), bundle=bundle.id, context=256, kernels=False
    )
    first = first_of(config)
    await first.start()
    try:
        loader = FleetLoader(first, Configurer(config, lambda each, _: each))
        # An answer waits for a process that loads a model: on a busy machine for longer than for any other.
        client = Client(create_app(first, loader=loader), patience=None)
        for name in ("two", "one", "two"):
            body = {"model": name, "prompt": "a", "stream": False, "raw": True}
            reply = await client.post("/api/generate", body | {"options": {"num_predict": 4}})
            assert (reply.status, reply.json["eval_count"]) == (200, 4)
        running = (await client.get("/api/ps")).json["models"]
        assert {each["name"] for each in running} == {"one:latest", "two:latest"}
        for name in ("two", "two+poet"):
            body = {"model": name, "prompt": "a", "max_tokens": 1}
            reply = await client.post("/v1/completions", body)
            assert (reply.status, reply.json["model"]) == (200, name)
        broken = await client.post("/api/generate", {"model": "broken", "prompt": "a"})
        assert broken.status == ModelError.status
        assert "broken.gguf" in broken.json["error"]
        gone = await client.post("/api/generate", {"model": "two", "keep_alive": 0})
        assert gone.json["done_reason"] == "unload"
    finally:
        await first.fleet.close()
