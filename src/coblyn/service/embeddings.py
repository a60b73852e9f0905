"""Embeddings of texts, and reranking of documents by their relevance to a query."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from coblyn.engine.encoded import Encoded, Source, Text
from coblyn.engine.interface import EngineClient
from coblyn.engine.prompt import pack_ids, unpack_ids
from coblyn.errors import BadRequest
from coblyn.service.caller import CALLER
from coblyn.service.command import TextPrompt, TokenPrompt
from coblyn.service.models import LoadedModel, Models
from coblyn.service.quota import Quotas

__all__ = ["Embedded", "Embeddings", "Rated"]

Input = TextPrompt | TokenPrompt


@dataclass(frozen=True, slots=True)
class Embedded:
    """Embeddings of texts.

    Attributes:
        model: Name of the model.
        vectors: One vector of length 1 per text.
        num_tokens: Number of tokens of all texts.
    """

    model: str
    vectors: Sequence[array[float]]
    num_tokens: int


@dataclass(frozen=True, slots=True)
class Rated:
    """The relevance of documents to a query.

    Attributes:
        model: Name of the model.
        scores: One per document; higher is better.
        num_tokens: Number of tokens of all pairs.
    """

    model: str
    scores: Sequence[float]
    num_tokens: int


class Embeddings:
    """Embedding models and rerankers. Models that generate text give vectors too: the mean of their last layer.

    Args:
        models: The loaded models.
        quotas: How much each caller may use.
    """

    def __init__(self, models: Models, quotas: Quotas | None = None) -> None:
        self._models = models
        self._quotas = quotas or Quotas()

    async def of(
        self,
        inputs: Sequence[Input],
        *,
        model: str = "",
        dimensions: int | None = None,
        truncates: bool = False,
    ) -> Embedded:
        """Vectors of texts.

        Args:
            inputs: Texts or token ids.
            model: Name of the model; empty for the server's default.
            dimensions: Number of leading values of each vector to keep; None for all.
            truncates: Whether to leave out the end of texts that are too long.

        Raises:
            BadRequest: The model is a reranker, has fewer dimensions, or is named with adapters.
            PromptTooLong: A text is too long and must not be truncated.
            UnknownModel: There is no such model.
            LimitReached: The caller's key has reached a limit.
        """
        self._models.require_plain(model)
        with self._quotas.held(CALLER.get()) as meter:
            async with self._models.acquire(model) as loaded:
                found = await _embed(loaded, inputs, dimensions, truncates=truncates)
                meter.num_tokens = found.num_tokens
                return found

    async def rate(self, query: str, documents: Sequence[str], *, model: str = "") -> Rated:
        """Rate the relevance of each document to a query.

        Raises:
            BadRequest: The model is not a reranker, or is named with adapters.
            PromptTooLong: The query and a document are too long together.
            UnknownModel: There is no such model.
            LimitReached: The caller's key has reached a limit.
        """
        self._models.require_plain(model)
        with self._quotas.held(CALLER.get()) as meter:
            async with self._models.acquire(model) as loaded:
                rated = await _rate(loaded, query, documents)
                meter.num_tokens = rated.num_tokens
                return rated


async def _embed(
    loaded: LoadedModel, inputs: Sequence[Input], dimensions: int | None, *, truncates: bool
) -> Embedded:
    if loaded.engine.info.ranks:
        raise BadRequest(
            f"{loaded.name} is a reranker: it rates texts, and gives no vectors.",
            field="model",
            hint="Ask it at /v1/rerank.",
        )
    prompts = [await _encoded(each, loaded.engine, truncates=truncates) for each in inputs]
    found = await loaded.engine.embed(prompts)
    vectors = [_unit(_cut(array("f", vector), dimensions)) for vector in found]
    return Embedded(loaded.name, vectors, sum(prompt.num_tokens for prompt in prompts))


async def _rate(loaded: LoadedModel, query: str, documents: Sequence[str]) -> Rated:
    if not loaded.engine.info.ranks:
        raise BadRequest(
            f"{loaded.name} is not a reranker.",
            field="model",
            hint="Load a reranker, such as bge-reranker-v2-m3.",
        )
    asked = await loaded.tokens.ids(query, add_special=False, parse_special=False)
    prompts = [await _pair(loaded, asked, document) for document in documents]
    found = await loaded.engine.embed(prompts)
    scores = [array("f", vector)[0] for vector in found]
    return Rated(loaded.name, scores, sum(prompt.num_tokens for prompt in prompts))


async def _encoded(given: Input, engine: EngineClient, *, truncates: bool) -> Encoded:
    if isinstance(given, TokenPrompt):
        size = engine.info.vocab_size
        if not all(0 <= token < size for token in given.tokens):
            raise BadRequest(f"Token ids must be between 0 and {size - 1}.", field="input")
        source = Source(ids=pack_ids(given.tokens))
    else:
        source = Source((Text(given.text, parse_special=False),))
    encoded = await engine.encode(source)
    longest = engine.info.context_train
    if not truncates or encoded.num_tokens <= longest:
        return encoded
    ids = _ids(await engine.encode(Source(source.texts, ids=source.ids, wants_ids=True)))
    return await engine.encode(Source(ids=pack_ids(ids[:longest])))


async def _pair(loaded: LoadedModel, query: Sequence[int], document: str) -> Encoded:
    """A query and a document as token ids, with the tokens around and between them that the model was trained with."""
    before, between, after = loaded.engine.info.pair
    ids = await loaded.tokens.ids(document, add_special=False, parse_special=False)
    together = (*before, *query, *between, *ids, *after)
    return await loaded.engine.encode(Source(ids=pack_ids(together)))


def _ids(encoded: Encoded) -> list[int]:
    assert encoded.ids is not None, "they were asked for"
    return unpack_ids(encoded.ids).tolist()


def _cut(vector: array[float], dimensions: int | None) -> array[float]:
    if dimensions is None:
        return vector
    if not 0 < dimensions <= len(vector):
        raise BadRequest(f"dimensions must be between 1 and {len(vector)}.", field="dimensions")
    return vector[:dimensions]


def _unit(vector: array[float]) -> array[float]:
    """The vector scaled to length 1; a zero vector is unchanged."""
    length = math.hypot(*vector)
    return array("f", (number / length for number in vector)) if length > 0 else vector
