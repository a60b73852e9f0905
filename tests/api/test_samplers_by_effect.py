"""Orders of samplers and biases, seen in what the starter model writes, in every dialect that takes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from coblyn.engine.config import EngineConfig
from coblyn.engine.runner import LlamaRunner
from coblyn.native.bundle import Bundle
from dialects import DIALECTS, Dialect, parts_of_text
from live_server import serve

pytestmark = pytest.mark.native

NAME, LENGTH = "SmolLM2-135M-Instruct.Q4_1", 8
WORDS = "The capital of France is"
BOTH = pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
ORDERED = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda each: each.path)
BIASED = [
    each for each in DIALECTS if each.path not in ("/v1/messages", "/api/generate", "/api/chat")
]
"""Anthropic's and Ollama's have no biases, and warn of them."""


@pytest.fixture(scope="module")
def api(bundle: Bundle, starter_model: Path) -> Iterator[httpx.Client]:
    config = EngineConfig(
        str(starter_model), str(bundle.lib_dir), context=1024, max_running=2, kernels=False
    )
    with (
        serve(lambda: LlamaRunner(config)) as address,
        httpx.Client(base_url=address, timeout=60) as client,
    ):
        yield client


def written(
    api: httpx.Client, dialect: Dialect, more: dict[str, Any], *, streams: bool = False
) -> str:
    """What the model writes; sampling parameters go where the dialect has them."""
    body = {"model": NAME} | dialect.asks(WORDS, LENGTH, []) | {"stream": streams}
    if "options" in body:
        more = {"options": body["options"] | more}
    path = (dialect.stream_path if streams else "") or dialect.path
    reply = api.post(path, json=body | more)
    assert reply.status_code == 200, reply.text
    return dialect.tell(parts_of_text(reply.text))[0]


def seed(dialect: Dialect, number: int) -> dict[str, int]:
    return {"sampler_seed" if dialect.stream_path else "seed": number}


@ORDERED
@BOTH
def test_six_entries_are_an_order_and_temperature_works_at_its_place(
    api: httpx.Client, dialect: Dialect, streams: bool
) -> None:
    likely = written(api, dialect, {"temperature": 0.0})
    hot = {"temperature": 5.0, "top_p": 0.01, "top_k": 0, "min_p": 0.0, **seed(dialect, 7)}
    last = {"sampler_order": [0, 1, 2, 3, 4, 5]}
    first = {"sampler_order": [5, 0, 1, 2, 3, 4]}
    assert written(api, dialect, hot | last, streams=streams) == likely, "one candidate is left"
    assert written(api, dialect, hot | first, streams=streams) != likely, "many are"


@ORDERED
def test_what_six_entries_leave_out_is_not_applied(api: httpx.Client, dialect: Dialect) -> None:
    asked = {"temperature": 5.0, "top_k": 1, "min_p": 0.0, "top_p": 1.0, **seed(dialect, 7)}
    whole = [6, 0, 1, 3, 4, 2, 5]
    likely = written(api, dialect, {"temperature": 0.0})
    assert written(api, dialect, asked | {"sampler_order": whole}) == likely
    assert written(api, dialect, asked | {"sampler_order": whole[:1] + whole[2:]}) != likely


def test_min_p_leaves_more_candidates_behind_a_high_temperature(api: httpx.Client) -> None:
    def left(*order: int) -> int:
        reply = api.post(
            "/v1/completions",
            json={
                "prompt": "Once upon a time, there was a",
                "max_tokens": 1,
                "temperature": 5.0,
                "min_p": 0.3,
                "sampler_order": order,
                "logprobs": 20,
                "logprobs_after": True,
            },
        )
        (found,) = reply.json()["choices"][0]["logprobs"]["top_logprobs"]
        return sum(value > -100 for value in found.values())

    assert 1 <= left(0, 1, 2, 3, 4, 5) < left(5, 0, 1, 2, 3, 4)


@pytest.mark.parametrize(
    ("dialect", "is_list"),
    [
        pytest.param(each, is_list, id=f"{each.path}-{'list' if is_list else 'object'}")
        for each in BIASED
        for is_list in (False, True)
        if not (is_list and each.stream_path)  # KoboldCPP has them as an object only
    ],
)
def test_a_token_is_forced_and_forbidden(
    api: httpx.Client, dialect: Dialect, is_list: bool
) -> None:
    def biased(biases: dict[int, Any], *, streams: bool = False) -> str:
        entries = {str(token): value for token, value in biases.items()}
        given: Any = [list(pair) for pair in biases.items()] if is_list else entries
        asked = {"temperature": 0.0, "logit_bias": given}
        return written(api, dialect, asked, streams=streams)

    plain = biased({})
    first, other = tokens(api, plain)[0], tokens(api, " blue")[0]
    assert biased({first: -1.0, other: 100}).lstrip().startswith("blue blue blue")
    assert biased({other: 60, first: 100}).startswith(piece(api, first) * 2)
    assert tokens(api, biased({first: -100}))[0] != first
    if not dialect.stream_path:
        assert biased({first: False}) == biased({first: -100}, streams=True)


def test_a_bias_moves_a_token_by_its_value(api: httpx.Client) -> None:
    asked: dict[str, Any] = {"prompt": WORDS, "n_predict": 1, "n_probs": 2, "temperature": 0.0}
    reply = api.post("/completion", json=asked).json()
    best, other = reply["completion_probabilities"][0]["top_logprobs"]
    lead = best["logprob"] - other["logprob"]
    for bias, meant in ((-lead + 0.25, best), (-lead - 0.25, other)):
        biased = api.post("/completion", json=asked | {"logit_bias": [[best["id"], bias]]}).json()
        assert biased["completion_probabilities"][0]["id"] == meant["id"]


def tokens(api: httpx.Client, text: str) -> list[int]:
    return list(api.post("/tokenize", json={"content": text}).json()["tokens"])


def piece(api: httpx.Client, token: int) -> str:
    return str(api.post("/detokenize", json={"tokens": [token]}).json()["content"])
