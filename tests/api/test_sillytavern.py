"""What SillyTavern 1.19 sends for each of its connections, with its panel's values moved, and what is made of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from asgi import Client
from coblyn.api.app import create_app
from coblyn.engine.fake import FakeRunner
from coblyn.engine.local import LocalEngine
from coblyn.engine.request import Request
from factories import SteppedEngine

PANEL: dict[str, Any] = {
    "prompt": "Write Mira's next reply.\nUser: Who are you?\nMira:",
    "max_new_tokens": 40,
    "max_tokens": 40,
    "logprobs": 10,
    "temperature": 1.5,
    "top_p": 0.9,
    "typical_p": 0.8,
    "typical": 0.8,
    "sampler_seed": 7,
    "min_p": 0.02,
    "repetition_penalty": 1.2,
    "frequency_penalty": 0.3,
    "presence_penalty": 0.4,
    "top_k": 50,
    "skew": 0,
    "min_tokens": 2,
    "add_bos_token": True,
    "dynamic_temperature": True,
    "dynatemp_low": 1,
    "dynatemp_high": 2,
    "dynatemp_range": 0.5,
    "dynatemp_exponent": 1.1,
    "smoothing_factor": 0.2,
    "smoothing_curve": 1.3,
    "dry_allowed_length": 3,
    "dry_multiplier": 0.8,
    "dry_base": 1.9,
    "dry_sequence_breakers": ["\n", ":"],
    "dry_penalty_last_n": 100,
    "max_tokens_second": 0,
    "stopping_strings": ["\nUser:", "\n***"],
    "stop": ["\nUser:", "\n***"],
    "truncation_length": 8192,
    "ban_eos_token": True,
    "skip_special_tokens": True,
    "include_reasoning": True,
    "top_a": 0.1,
    "tfs": 0.95,
    "mirostat_mode": 2,
    "mirostat_tau": 4,
    "mirostat_eta": 0.2,
    "custom_token_bans": "65,66",
    "banned_strings": ["lamp"],
    "api_server": "http://127.0.0.1:5001",
    "xtc_threshold": 0.3,
    "xtc_probability": 0.5,
    "nsigma": 1.5,
    "top_n_sigma": 1.5,
    "min_keep": 0,
    "adaptive_target": 0.6,
    "adaptive_decay": 0.7,
    "rep_pen": 1.2,
    "rep_pen_range": 512,
    "repetition_penalty_range": 512,
    "seed": 7,
    "guidance_scale": 1,
    "negative_prompt": "",
    "repeat_penalty": 1.2,
    "repeat_last_n": 512,
    "n_predict": 40,
    "num_predict": 40,
    "num_ctx": 8192,
    "mirostat": 2,
    "ignore_eos": True,
    "n_probs": 10,
    "rep_pen_slope": 0.9,
}
KOBOLD = PANEL | {
    "api_type": "koboldcpp",
    "sampler_order": [6, 0, 1, 3, 4, 5, 2],
    "trim_stop": True,
}
LLAMA = PANEL | {
    "api_type": "llamacpp",
    # Its default preset has two names of one sampler in it, and one that newer llama-servers do not know.
    "samplers": [
        "penalties",
        "dry",
        "top_n_sigma",
        "top_k",
        "typ_p",
        "tfs_z",
        "typical_p",
        "xtc",
        "adaptive_p",
        "min_p",
        "temperature",
        "top_p",
    ],
    "n": 1,
    "logit_bias": [[65, False], [66, False]],
    "grammar": "",
    "cache_prompt": True,
}

REPLACED = {
    *("adaptive_target", "dynatemp_range", "min_p", "nsigma", "tfs", "top_a", "top_k"),
    *("top_n_sigma", "top_p", "typical", "typical_p", "xtc_probability"),
}
"""What has no effect with mirostat, which the panel switches on."""


@pytest.fixture
async def fake() -> AsyncIterator[Client]:
    engine = LocalEngine(lambda: FakeRunner(script="Hi"), max_running=2, max_waiting=2)
    yield Client(create_app(engine))
    await engine.close()


async def sent(client: Client, engine: SteppedEngine, path: str, body: dict[str, Any]) -> Request:
    reply = await client.post(path, body)
    assert reply.status == 200, reply.body
    assert set(reply.headers["x-coblyn-warnings"].split(", ")) == REPLACED
    return engine.requests[-1]


@pytest.mark.parametrize(
    ("path", "body", "order"),
    [
        ("/v1/completions", KOBOLD, (6, 0, 1, 3, 4, 5, 2)),
        ("/completion", LLAMA, (6, 0, 4, 3, 5, 2)),
    ],
)
async def test_the_whole_panel_is_obeyed(
    path: str, body: dict[str, Any], order: tuple[int, ...], client: Client, engine: SteppedEngine
) -> None:
    request = await sent(client, engine, path, body)
    sampling = request.sampling
    assert sampling.sampler_order == order
    told = {
        "temperature": 1.5,
        "top_p": 0.9,
        "typical_p": 0.8,
        "min_p": 0.02,
        "repetition_penalty": 1.2,
        "repetition_range": 512,
        "repetition_slope": 0.9,
        "frequency_penalty": 0.3,
        "presence_penalty": 0.4,
        "top_k": 50,
        "dynatemp_range": 0.5,
        "dynatemp_exponent": 1.1,
        "smoothing_factor": 0.2,
        "smoothing_curve": 1.3,
        "dry_allowed_length": 3,
        "dry_multiplier": 0.8,
        "dry_base": 1.9,
        "dry_range": 100,
        "top_a": 0.1,
        "tail_free": 0.95,
        "mirostat": 2,
        "mirostat_tau": 4,
        "mirostat_eta": 0.2,
        "xtc_threshold": 0.3,
        "xtc_probability": 0.5,
        "top_n_sigma": 1.5,
        "adaptive_target": 0.6,
        "adaptive_decay": 0.7,
        "seed": 7,
        "logprobs": 10,
    }
    assert {name: getattr(sampling, name) for name in told} == told
    assert sampling.dry_sequence_breakers == ("\n", ":")
    assert {token for token, bias in sampling.logit_bias if bias == float("-inf")} == {65, 66}
    assert request.max_tokens == 40
    assert request.min_tokens == 2
    assert set(request.stop) == {"\nUser:", "\n***"}
    assert request.banned_phrases == ("lamp",)


async def test_what_the_panel_has_and_nothing_here_obeys_is_said(client: Client) -> None:
    body = KOBOLD | {"skew": 0.5, "min_keep": 3, "grammar_retain_state": True}
    reply = await client.post("/v1/completions", body)
    assert reply.status == 200
    named = set(reply.headers["x-coblyn-warnings"].split(", "))
    assert named == REPLACED | {"grammar_retain_state", "min_keep", "skew"}


async def test_the_panel_of_probabilities_finds_each_token(fake: Client) -> None:
    body = {"prompt": "a", "n_probs": 2, "api_type": "llamacpp"}
    answer = (await fake.post("/completion", body)).json
    assert [each["content"] for each in answer["completion_probabilities"]] == ["H", "i"]
    lines = (await fake.post("/completion", body | {"stream": True})).body.decode().split("\n\n")
    parts = [json.loads(line.removeprefix("data: ")) for line in lines if "probabilities" in line]
    assert [part["completion_probabilities"][0]["content"] for part in parts] == ["H", "i"]
