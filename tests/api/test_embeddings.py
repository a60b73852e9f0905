"""Texts to vectors, and ratings, in each dialect."""

from __future__ import annotations

import base64
import math
from array import array
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest

from asgi import Client
from coblyn.api.app import create_app
from coblyn.engine.fake import FakeRunner
from coblyn.engine.interface import ModelInfo
from coblyn.engine.local import LocalEngine


class Reranker(FakeRunner):
    """Rates a pair by its length."""

    @property
    def info(self) -> ModelInfo:
        return replace(super().info, ranks=True, writes=False, pair=((256,), (257,), ()))

    def embed(self, texts: Sequence[Sequence[int]]) -> list[bytes]:
        assert all(ids[0] == 256 and 257 in ids for ids in texts)
        return [array("f", (float(len(ids)),)).tobytes() for ids in texts]


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    engine = LocalEngine(FakeRunner)
    yield Client(create_app(engine))
    await engine.close()


@pytest.fixture
async def reranker() -> AsyncIterator[Client]:
    engine = LocalEngine(Reranker)
    yield Client(create_app(engine))
    await engine.close()


async def test_openai(client: Client) -> None:
    answer = (await client.post("/v1/embeddings", {"input": ["abc", "xyz"], "model": "m"})).json
    assert (answer["object"], answer["model"]) == ("list", "fake")
    assert answer["usage"] == {"prompt_tokens": 8, "total_tokens": 8}
    assert [each["index"] for each in answer["data"]] == [0, 1]
    first, second = (each["embedding"] for each in answer["data"])
    assert math.hypot(*first) == pytest.approx(1)
    assert first != second
    body = {"input": "abc", "encoding_format": "base64", "dimensions": 5}
    packed = (await client.post("/v1/embeddings", body)).json["data"][0]["embedding"]
    short = array("f", base64.b64decode(packed))
    assert len(short) == 5
    assert math.hypot(*short) == pytest.approx(1)
    ids = (await client.post("/v1/embeddings", {"input": [256, 97, 98, 99]})).json
    assert ids["data"][0]["embedding"] == first


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "input"),
        ({"input": []}, "input"),
        ({"input": ""}, "input"),
        ({"input": ["a", ""]}, "input"),
        ({"input": "a" * 5000}, "input"),
        ({"input": [10**9]}, "input"),
        ({"input": [[-1]]}, "input"),
        ({"input": [2**70]}, "input"),
        ({"input": "a", "dimensions": 17}, "dimensions"),
        ({"input": "a", "dimensions": 0}, "dimensions"),
        ({"input": "a", "encoding_format": "int8"}, "encoding_format"),
    ],
)
async def test_openai_says_what_is_wrong(
    client: Client, body: dict[str, object], field: str
) -> None:
    answer = await client.post("/v1/embeddings", body)
    assert answer.status == 400
    assert answer.json["error"]["param"] == field


async def test_kobold_cuts_what_is_too_long_unless_that_is_refused(client: Client) -> None:
    body = {"input": ["a" * 5000]}
    answer = (await client.post("/api/extra/embeddings", body)).json
    assert answer["usage"]["prompt_tokens"] == 4096
    refused = await client.post("/api/extra/embeddings", body | {"truncate": False})
    assert refused.status == 400


async def test_ollama_new_and_old(client: Client) -> None:
    answer = (await client.post("/api/embed", {"model": "fake", "input": ["abc", "xyz"]})).json
    assert answer["model"] == "fake"
    assert len(answer["embeddings"]) == 2
    assert answer["prompt_eval_count"] == 8
    assert answer["total_duration"] > 0
    old = (await client.post("/api/embeddings", {"model": "fake", "prompt": "abc"})).json
    assert old["embedding"] == answer["embeddings"][0]
    assert (await client.post("/api/embed", {"model": "fake"})).json["embeddings"] == []
    assert (await client.post("/api/embeddings", {"model": "fake"})).json == {"embedding": []}
    wrong = await client.post("/api/embed", {"model": "fake", "input": [1]})
    assert (wrong.status, wrong.json["error"]) == (400, "invalid input type")


async def test_llama_server(client: Client) -> None:
    answer = (await client.post("/embedding", {"content": "abc"})).json
    assert answer[0]["index"] == 0
    assert math.hypot(*answer[0]["embedding"][0]) == pytest.approx(1)
    assert (await client.post("/embedding", {"content": ""})).status == 400
    refused = await client.post("/v1/rerank", {"query": "a", "documents": ["b"]})
    assert refused.status == 400
    assert "not a reranker" in refused.json["error"]["message"]


async def test_documents_are_rated_the_best_first(reranker: Client) -> None:
    documents = ["bb", "dddd", "c"]
    answer = (await reranker.post("/v1/rerank", {"query": "a", "documents": documents})).json
    assert [each["index"] for each in answer["results"]] == [1, 0, 2]
    scores = [each["relevance_score"] for each in answer["results"]]
    assert scores == sorted(scores, reverse=True)
    assert answer["usage"]["prompt_tokens"] == 3 * 3 + 7
    best = await reranker.post("/rerank", {"query": "a", "texts": documents, "top_n": 1})
    assert best.json == [{"index": 1, "score": 7.0}]
    for body in ({"query": "a", "documents": []}, {"query": "", "documents": ["a"]}, {}):
        assert (await reranker.post("/v1/rerank", body)).status == 400
    refused = await reranker.post("/v1/embeddings", {"input": "a"})
    assert "/v1/rerank" in refused.json["error"]["message"]
