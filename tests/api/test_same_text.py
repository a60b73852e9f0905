"""The same request again: with its prompt in the cache, without a cache, and beside other requests."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from coblyn.engine.config import EngineConfig
from coblyn.engine.runner import LlamaRunner
from coblyn.native.bundle import Bundle
from live_server import serve

pytestmark = pytest.mark.native

LENGTH = 16
PROMPTS = [
    "Once upon a time, in a small village by the sea, there lived",
    "The three most important things about bread are",
    "def fibonacci(n):\n",
    "A letter to my sister.\n\nDear Ada, yesterday the rain",
]
HOW: dict[str, dict[str, Any]] = {
    "greedy": {"temperature": 0.0},
    "seeded": {"temperature": 0.9, "top_k": 20, "seed": 0},
}
ALMOST = 0.15
"""Difference of logits that steps of different sizes may make by rounding."""


class Written(NamedTuple):
    """What a request got: its tokens, and at each place the likeliest ones with their log-probabilities."""

    ids: list[int]
    likeliest: list[dict[int, float]]
    num_cached: int


@contextmanager
def server(bundle: Bundle, model: Path, **settings: Any) -> Iterator[httpx.Client]:
    config = EngineConfig(
        str(model), str(bundle.lib_dir), context=1024, max_running=4, kernels=False, **settings
    )
    with (
        serve(lambda: LlamaRunner(config)) as address,
        httpx.Client(base_url=address, timeout=120) as client,
    ):
        yield client


def write(client: httpx.Client, prompt: str, how: str) -> Written:
    body = {"prompt": prompt, "n_predict": LENGTH, "ignore_eos": True, "n_probs": 10, **HOW[how]}
    answer = client.post("/completion", json=body).raise_for_status().json()
    places = answer["completion_probabilities"]
    likeliest = [{each["id"]: each["logprob"] for each in p["top_logprobs"]} for p in places]
    return Written([p["id"] for p in places], likeliest, answer["timings"]["cache_n"])


@pytest.mark.parametrize("how", HOW)
def test_a_request_alone_gets_the_same_text_with_and_without_a_cache(
    bundle: Bundle, starter_model: Path, how: str
) -> None:
    with server(bundle, starter_model) as client:
        found = [[write(client, prompt, how) for _ in range(3)] for prompt in PROMPTS]
    with server(bundle, starter_model, cache_memory=0, shared_cells=False) as client:
        without = [write(client, prompt, how) for prompt in reversed(PROMPTS)]
    for (first, *again), other in zip(found, reversed(without), strict=True):
        assert [first.num_cached, other.num_cached] == [0, 0]
        assert all(each.num_cached > 0 for each in again)
        assert [each.ids for each in (*again, other)] == [first.ids] * 3


def test_in_company_a_token_differs_only_where_two_are_almost_equally_likely(
    bundle: Bundle, starter_model: Path
) -> None:
    with server(bundle, starter_model) as client:
        alone = [write(client, prompt, "greedy") for prompt in PROMPTS]
    with server(bundle, starter_model) as client, ThreadPoolExecutor(len(PROMPTS)) as pool:
        together = list(pool.map(lambda prompt: write(client, prompt, "greedy"), PROMPTS))
    for one, other in zip(alone, together, strict=True):
        assert len(one.ids) == len(other.ids) == LENGTH
        place = next((i for i in range(LENGTH) if one.ids[i] != other.ids[i]), None)
        if place is not None:
            likeliest = one.likeliest[place]
            assert likeliest[one.ids[place]] - likeliest[other.ids[place]] < ALMOST
