"""Embeddings in Ollama's format, new and old."""

from __future__ import annotations

from typing import Any

from pydantic import Field
from starlette.responses import JSONResponse, Response

from coblyn.api.body import validated
from coblyn.api.call import Call
from coblyn.api.later import warning_headers
from coblyn.api.ollama.listing import NamedInput
from coblyn.api.ollama.shape import Clock
from coblyn.api.ollama.writing import keep
from coblyn.api.route import Routes
from coblyn.engine.events import Stats
from coblyn.errors import BadRequest
from coblyn.service.command import TextPrompt

__all__ = ["routes"]

routes = Routes()


class EmbedInput(NamedInput):
    """Body of ``/api/embed``."""

    input: Any = Field(None, description="A text, or a list of texts.")
    keep_alive: Any = Field(None, description="How long a model loaded on demand is kept.")
    truncate: bool | None = Field(
        None, description="Truncate texts that are too long; on by default."
    )
    dimensions: int | None = None

    @property
    def texts(self) -> list[str]:
        """The texts to embed.

        Raises:
            BadRequest: It is neither a text nor a list of texts.
        """
        given = [self.input] if isinstance(self.input, str) else self.input or []
        if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
            raise BadRequest("invalid input type", field="input")
        return [each for each in given if each] if given == [""] else given


class OldInput(NamedInput):
    """Body of ``/api/embeddings``."""

    prompt: str | None = None
    keep_alive: Any = None


@routes.post("/api/embed", "Texts to vectors", EmbedInput, {"model": "any", "input": "Hello"})
async def embed(call: Call) -> Response:
    """A vector of length 1 for each text."""
    clock = Clock(call.began)
    wanted = validated(EmbedInput, await call.json())
    texts, name = wanted.texts, wanted.named
    model, warnings = await _answering(call, wanted)
    if not texts:
        return JSONResponse({"model": name, "embeddings": []}, headers=warning_headers(warnings))
    found = await call.wait(
        call.services.embeddings.of(
            [TextPrompt(text) for text in texts],
            model=model,
            dimensions=wanted.dimensions,
            truncates=wanted.truncate is not False,
        )
    )
    vectors = [vector.tolist() for vector in found.vectors]
    durations = clock.durations(Stats(num_prompt=found.num_tokens))
    return JSONResponse(
        {"model": name, "embeddings": vectors} | durations, headers=warning_headers(warnings)
    )


@routes.post("/api/embeddings", "Text to a vector", OldInput, {"model": "any", "prompt": "Hello"})
async def embeddings(call: Call) -> Response:
    """A vector of length 1, in the format of older clients."""
    wanted = validated(OldInput, await call.json())
    model, warnings = await _answering(call, wanted)
    headers = warning_headers(warnings)
    if not wanted.prompt:
        return JSONResponse({"embedding": []}, headers=headers)
    found = await call.wait(
        call.services.embeddings.of([TextPrompt(wanted.prompt)], model=model, truncates=True)
    )
    return JSONResponse({"embedding": found.vectors[0].tolist()}, headers=headers)


async def _answering(call: Call, wanted: EmbedInput | OldInput) -> tuple[str, dict[str, str]]:
    """Name of the loaded model that answers, and the ignored fields."""
    item = await call.item(wanted.named)
    assert item.model, "it answers"
    warnings: dict[str, str] = {}
    keep(call, item, wanted.keep_alive, warnings)
    return item.answers_as, warnings
