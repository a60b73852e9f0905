"""A story that outgrows its context keeps going: old text gives way, memory stays, whatever keeps the model's state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from coblyn.engine.config import EngineConfig
from coblyn.engine.runner import LlamaRunner
from coblyn.native.bundle import Bundle
from family_models import FAMILIES, family_model
from live_server import serve

CONTEXT, MADE, MEMORY = 256, 40, "m" * 100
TINY = {tiny.architecture: tiny for tiny in FAMILIES}


def write_on(address: str, story: str, **more: Any) -> dict[str, Any]:
    """What comes after a story, with its memory in front."""
    body = {
        "prompt": story,
        "memory": MEMORY,
        "max_length": MADE,
        "max_context_length": CONTEXT,
        "temperature": 0,
        "bypass_eos": True,
    }
    answer = httpx.post(f"{address}/api/v1/generate", json=body | more, timeout=60)
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()
    return result


@pytest.mark.native
@pytest.mark.parametrize(
    ("architecture", "kept_as"),
    [
        ("llama", "f16"),
        ("llama", "q8_0"),
        ("gemma3", "f16"),
        ("qwen3next", "f16"),
        ("mamba", "f16"),
    ],
    ids=["plain", "quantized", "sliding window", "hybrid", "recurrent"],
)
def test_it_goes_on_past_the_end(
    architecture: str, kept_as: str, tmp_path: Path, bundle: Bundle
) -> None:
    """What a warm cache gives is what a cold one gives, so nothing wrong was kept when old text gave way."""
    config = EngineConfig(
        str(family_model(TINY[architecture]).write(tmp_path / "model.gguf")),
        str(bundle.lib_dir),
        context=CONTEXT,
        threads=1,
        max_running=1,
        num_idle=1,
        kernels=False,
        cache_type=kept_as,
    )
    story, is_cut = "Once upon a time. ", False
    with serve(lambda: LlamaRunner(config)) as address:
        for _ in range(8):
            answer = write_on(address, story)
            (result,) = answer["results"]
            assert result["completion_tokens"] == MADE
            assert result["prompt_tokens"] + MADE <= CONTEXT
            is_cut = is_cut or "prompt" in answer.get("warnings", {})
            earlier, story = story, story + "abc " * 10
    assert is_cut
    with serve(lambda: LlamaRunner(config)) as address:
        (cold,) = write_on(address, earlier)["results"]
    assert cold["text"][:2] == result["text"][:2] != ""
