"""Embeddings in OpenAI's format, which KoboldCPP has adopted."""

from __future__ import annotations

import base64
import sys
from array import array
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from coblyn.api.body import validated
from coblyn.api.call import Call
from coblyn.api.ids import TextsOrIds
from coblyn.api.route import Routes
from coblyn.errors import BadRequest
from coblyn.service.command import TextPrompt, TokenPrompt
from coblyn.service.embeddings import Embedded

__all__ = ["EXAMPLE", "EmbeddingsInput", "answer", "routes"]

MAX_INPUTS = 2048

EXAMPLE = {"input": "Good morning!", "model": "any"}

routes = Routes()


class EmbeddingsInput(BaseModel):
    """Body of ``/v1/embeddings``."""

    model_config = ConfigDict(extra="ignore", defer_build=True)

    input: TextsOrIds = Field(description="A text or a list of token ids, or a list of these.")
    model: str | None = None
    encoding_format: str | None = Field(None, description="float or base64.")
    dimensions: int | None = Field(
        None, description="Number of leading values to keep of each vector."
    )
    truncate: bool | None = Field(None, description="Truncate texts that are too long.")
    user: str | None = None

    @property
    def inputs(self) -> list[TextPrompt | TokenPrompt]:
        """The inputs to embed.

        Raises:
            BadRequest: There are none or too many, or a text is empty.
        """
        given: list[Any] = (
            [self.input] if isinstance(self.input, str) or _is_ids(self.input) else [*self.input]
        )
        if not given:
            raise BadRequest("input is empty.", field="input")
        if len(given) > MAX_INPUTS:
            raise BadRequest(f"input holds more than {MAX_INPUTS} texts.", field="input")
        for index, each in enumerate(given):
            if not each:
                raise BadRequest(f"input[{index}] is empty.", field="input")
        return [
            TextPrompt(each) if isinstance(each, str) else TokenPrompt(tuple(each))
            for each in given
        ]

    @property
    def is_packed(self) -> bool:
        """Whether vectors are sent as base64.

        Raises:
            BadRequest: The format is unknown.
        """
        if self.encoding_format not in (None, "float", "base64"):
            raise BadRequest("encoding_format must be float or base64.", field="encoding_format")
        return self.encoding_format == "base64"


@routes.post("/v1/embeddings", "Texts to vectors", EmbeddingsInput, EXAMPLE)
async def embeddings(call: Call) -> Response:
    """A vector of length 1 per text; texts may be as long as the context the model was trained with."""
    wanted = validated(EmbeddingsInput, await call.json())
    return await answer(call, wanted, truncates=bool(wanted.truncate))


async def answer(call: Call, wanted: EmbeddingsInput, *, truncates: bool) -> Response:
    """The answer with the vectors of all inputs."""
    is_packed = wanted.is_packed
    found = await call.wait(
        call.services.embeddings.of(
            wanted.inputs,
            model=wanted.model or "",
            dimensions=wanted.dimensions,
            truncates=truncates,
        )
    )
    return JSONResponse(_body(found, is_packed=is_packed))


def _is_ids(given: list[Any]) -> bool:
    return bool(given) and isinstance(given[0], int)


def _body(found: Embedded, *, is_packed: bool) -> dict[str, Any]:
    data = [
        {
            "object": "embedding",
            "index": index,
            "embedding": _packed(vector) if is_packed else vector.tolist(),
        }
        for index, vector in enumerate(found.vectors)
    ]
    usage = {"prompt_tokens": found.num_tokens, "total_tokens": found.num_tokens}
    return {"object": "list", "data": data, "model": found.model, "usage": usage}


def _packed(vector: array[float]) -> str:
    """A vector as little-endian float32 in base64."""
    if sys.byteorder == "big":
        vector = vector[:]
        vector.byteswap()
    return base64.b64encode(vector.tobytes()).decode()
