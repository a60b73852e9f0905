"""Embeddings and reranking in llama-server's format."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, StrictStr
from starlette.responses import JSONResponse, Response

from coblyn.api.body import validated
from coblyn.api.call import Call
from coblyn.api.route import Routes
from coblyn.errors import BadRequest
from coblyn.service.command import TextPrompt

__all__ = ["routes"]

MAX_DOCUMENTS = 2048

routes = Routes()


class EmbeddingInput(BaseModel):
    """Body of ``/embedding``."""

    model_config = ConfigDict(extra="ignore", defer_build=True)

    content: StrictStr | list[StrictStr] = Field(description="A text, or a list of texts.")


class RerankInput(BaseModel):
    """Body of ``/v1/rerank``, as Jina's and Cohere's clients send it, or with ``texts``."""

    model_config = ConfigDict(extra="ignore", defer_build=True)

    query: StrictStr = Field(min_length=1)
    documents: list[StrictStr] | None = Field(None, max_length=MAX_DOCUMENTS)
    texts: list[StrictStr] | None = Field(None, max_length=MAX_DOCUMENTS)
    top_n: int | None = Field(None, ge=1, description="Number of best documents to return.")
    model: str | None = None

    @property
    def all_documents(self) -> list[str]:
        """The documents to rate.

        Raises:
            BadRequest: There are none.
        """
        documents = self.texts if self.documents is None else self.documents
        if not documents:
            raise BadRequest("documents must hold at least one text.", field="documents")
        return documents


@routes.post("/embedding", "Text to a vector", EmbeddingInput, {"content": "Good morning!"})
async def embedding(call: Call) -> Response:
    """A vector for each text."""
    wanted = validated(EmbeddingInput, await call.json())
    texts = [wanted.content] if isinstance(wanted.content, str) else wanted.content
    if not texts or not all(texts):
        raise BadRequest("content must hold some text.", field="content")
    found = await call.wait(call.services.embeddings.of([TextPrompt(text) for text in texts]))
    vectors = [
        {"index": index, "embedding": [vector.tolist()]}
        for index, vector in enumerate(found.vectors)
    ]
    return JSONResponse(vectors)


@routes.post(
    "/v1/rerank",
    "Rate documents",
    RerankInput,
    {"query": "Who knocks?", "documents": ["A coblyn.", "The weather."]},
)
async def rerank(call: Call) -> Response:
    """The relevance of each document to a query, best first."""
    wanted = validated(RerankInput, await call.json())
    documents = wanted.all_documents
    rated = await call.wait(
        call.services.embeddings.rate(wanted.query, documents, model=wanted.model or "")
    )
    order = sorted(range(len(documents)), key=lambda index: -rated.scores[index])[: wanted.top_n]
    if wanted.documents is None:
        return JSONResponse([{"index": index, "score": rated.scores[index]} for index in order])
    results = [{"index": index, "relevance_score": rated.scores[index]} for index in order]
    usage = {"prompt_tokens": rated.num_tokens, "total_tokens": rated.num_tokens}
    body: dict[str, Any] = {"model": rated.model, "object": "list", "usage": usage}
    return JSONResponse(body | {"results": results})
