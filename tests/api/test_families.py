"""Models of the architectures of large families: loaded, talked to, made to call and unloaded, over HTTP."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from coblyn.chat.formats import format_of
from coblyn.engine.config import EngineConfig
from coblyn.engine.runner import LlamaRunner
from coblyn.native.bundle import Bundle
from family_models import FAMILIES, Tiny, family_model
from live_server import serve
from more_family_models import MORE_FAMILIES

TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Says how the weather is.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "enum": ["Oslo", "Rome"]}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}


def ask(address: str, **body: Any) -> dict[str, Any]:
    """The choice that a conversation of one message gets."""
    message = {"role": "user", "content": "How is the weather?"}
    body |= {"messages": [message], "temperature": 1, "seed": 3}
    answer = httpx.post(f"{address}/v1/chat/completions", json=body, timeout=60)
    assert answer.status_code == 200, answer.text
    choice: dict[str, Any] = answer.json()["choices"][0]
    return choice


@pytest.mark.native
@pytest.mark.parametrize("tiny", [*FAMILIES, *MORE_FAMILIES], ids=lambda tiny: tiny.architecture)
def test_a_family_talks_and_calls(tiny: Tiny, tmp_path: Path, bundle: Bundle) -> None:
    path = family_model(tiny).write(tmp_path / "model.gguf")
    config = EngineConfig(
        str(path),
        str(bundle.lib_dir),
        context=1024,
        threads=1,
        max_running=1,
        num_idle=1,
        kernels=False,
    )
    assert format_of(tiny.sign).name == tiny.format
    with serve(lambda: LlamaRunner(config)) as address:
        talk = ask(address, max_tokens=12)
        assert talk["finish_reason"] == "length"
        again = ask(address, max_tokens=12)
        assert again["message"]["content"] == talk["message"]["content"] != ""
        called = ask(
            address,
            max_tokens=600,
            thinking_budget_tokens=8,
            tools=[TOOL],
            tool_choice="required",
            parallel_tool_calls=False,
        )
    assert called["finish_reason"] == "tool_calls", called
    function = called["message"]["tool_calls"][0]["function"]
    assert function["name"] == "weather"
    assert json.loads(function["arguments"])["city"] in ("Oslo", "Rome")
