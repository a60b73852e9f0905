"""Texts to vectors: a model of embeddings against numpy, beside streams, and in batches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from coblyn.engine.config import EngineConfig
from coblyn.engine.embedding import EmbeddingRunner
from coblyn.engine.encoded import Source, Text
from coblyn.engine.events import Delta
from coblyn.engine.fake import FakeRunner
from coblyn.engine.local import LocalEngine
from coblyn.engine.params import SamplingParams
from coblyn.engine.prompt import unpack_ids
from coblyn.engine.request import Request
from coblyn.engine.runner import LlamaRunner
from coblyn.engine.texts import BATCH, MAX_TEXTS, batches
from coblyn.errors import BadRequest, PromptTooLong
from coblyn.models.overrides import Overrides, write_overrides
from coblyn.native.bundle import Bundle
from gguf_file import bert_model


def test_texts_are_computed_a_few_at_a_time() -> None:
    assert batches([]) == []
    assert batches([1] * (MAX_TEXTS + 1)) == [range(MAX_TEXTS), range(MAX_TEXTS, MAX_TEXTS + 1)]
    assert batches([BATCH * 3, 1, BATCH - 1, 1]) == [range(1), range(1, 3), range(3, 4)]


async def vectors(engine: LocalEngine, *texts: str) -> Any:
    prompts = [await engine.encode(Source((Text(text),))) for text in texts]
    return np.stack([np.frombuffer(each, np.float32) for each in await engine.embed(prompts)])


async def test_the_fake_gives_vectors_too() -> None:
    engine = LocalEngine(FakeRunner)
    found = await vectors(engine, "abc", "abcabc", "xyz")
    assert found.sum(1).tolist() == [4, 7, 4]
    assert (found[0] != found[2]).any()
    with pytest.raises(PromptTooLong, match="Text 2 has 5001 tokens"):
        await vectors(engine, "a", "a" * 5000)
    await engine.close()


def normed(x: Any, weights: Any, name: str) -> Any:
    x = x - x.mean(-1, keepdims=True)
    x = x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-12)
    return x * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def linear(x: Any, weights: Any, name: str) -> Any:
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def bert(weights: Any, ids: Sequence[int]) -> Any:
    """The last layer, as J. Devlin et al., BERT, 2018, have it."""
    x = weights["token_embd.weight"][ids] + weights["token_types.weight"][0]
    x = normed(x + weights["position_embd.weight"][: len(ids)], weights, "token_embd_norm")
    for layer in range(2):
        part = f"blk.{layer}."
        q, k, v = (
            linear(x, weights, f"{part}attn_{name}").reshape(len(ids), 2, 16).swapaxes(0, 1)
            for name in "qkv"
        )
        scores = np.exp(q @ k.swapaxes(1, 2) / 4)
        mixed = (scores / scores.sum(-1, keepdims=True)) @ v
        mixed = linear(mixed.swapaxes(0, 1).reshape(len(ids), 32), weights, f"{part}attn_output")
        x = normed(x + mixed, weights, f"{part}attn_output_norm")
        up = linear(x, weights, f"{part}ffn_up")
        up = up / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (up + 0.044715 * up**3)))
        x = normed(x + linear(up, weights, f"{part}ffn_down"), weights, f"{part}layer_output_norm")
    return x


def load(bundle: Bundle, path: Path) -> LocalEngine:
    config = EngineConfig(str(path), str(bundle.lib_dir), embeds=True, kernels=False)
    return LocalEngine(partial(EmbeddingRunner, config), max_running=1)


@pytest.mark.native
async def test_an_embedding_model_agrees_with_numpy(bundle: Bundle, tmp_path: Path) -> None:
    file, weights = bert_model()
    engine = load(bundle, file.write(tmp_path / "bert.gguf"))
    texts = ["w1 w2 w3", "w3 w2 w1 w1", "w39", " ".join(["w7"] * 61)]
    found = await vectors(engine, *texts)
    for vector, text in zip(found, texts, strict=True):
        encoded = await engine.encode(Source((Text(text),), wants_ids=True))
        assert encoded.ids is not None
        ids = unpack_ids(encoded.ids).tolist()
        assert (ids[0], ids[-1]) == (2, 3)
        np.testing.assert_allclose(vector, bert(weights, ids).mean(0), rtol=0.02, atol=0.01)
    many = await vectors(engine, *(texts * 10))
    np.testing.assert_allclose(many[-4:], found, rtol=1e-3, atol=1e-3)
    with pytest.raises(PromptTooLong):
        await vectors(engine, " ".join(["w7"] * 63))
    prompt = await engine.encode(Source((Text("w1"),)))
    with pytest.raises(BadRequest, match="turns texts into vectors and generates no text"):
        async for _ in engine.generate(Request("a", prompt.id, 5)):
            pass
    await engine.close()


@pytest.mark.native
async def test_a_reranker_agrees_with_numpy(bundle: Bundle, tmp_path: Path) -> None:
    file, weights = bert_model(ranks=True)
    engine = load(bundle, file.write(tmp_path / "rank.gguf"))
    assert engine.info.ranks
    assert engine.info.pair == ((2,), (3,), (3,))
    (found,) = await vectors(engine, "w1 w2")
    pooled = np.tanh(linear(bert(weights, [2, 6, 7, 3])[0], weights, "cls"))
    np.testing.assert_allclose(found, linear(pooled, weights, "cls.output"), rtol=0.02, atol=0.01)
    await engine.close()


@pytest.mark.native
async def test_a_corrected_pooling_counts(bundle: Bundle, tmp_path: Path) -> None:
    file, weights = bert_model(ranks=True)
    path = file.write(tmp_path / "rank.gguf")
    write_overrides(path, Overrides({"bert.pooling_type": 1}))
    engine = load(bundle, path)
    assert not engine.info.ranks
    (found,) = await vectors(engine, "w1 w2")
    expected = bert(weights, [2, 6, 7, 3]).mean(0)
    np.testing.assert_allclose(found, expected, rtol=0.02, atol=0.01)
    await engine.close()


@pytest.fixture
async def writer(bundle: Bundle, starter_model: Path) -> AsyncIterator[LocalEngine]:
    # Kernels are chosen by measurements, which may change between two texts.
    config = EngineConfig(str(starter_model), str(bundle.lib_dir), context=512, kernels=False)
    engine = LocalEngine(partial(LlamaRunner, config), max_running=2)
    yield engine
    await engine.close()


@pytest.mark.native
async def test_a_model_that_writes_gives_vectors_beside_its_streams(writer: LocalEngine) -> None:
    async def write() -> str:
        prompt = await writer.encode(Source((Text("The old miner"),)))
        greedy = SamplingParams(temperature=0)
        events = writer.generate(Request("a", prompt.id, 30, greedy))
        return "".join([event.text async for event in events if isinstance(event, Delta)])

    alone = await write()
    beside, found = await asyncio.gather(
        write(), vectors(writer, "A cat sleeps.", "A kitten is asleep.", "Interest rates rose.")
    )
    assert beside == alone
    unit = found / np.linalg.norm(found, axis=1, keepdims=True)
    assert unit[0] @ unit[1] > unit[0] @ unit[2]
    long = await vectors(writer, "word " * 700)
    assert np.isfinite(long).all()
