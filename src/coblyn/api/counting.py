"""``/api/coblyn/tokens``: how many tokens each of many texts has."""

from __future__ import annotations

from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from coblyn.api.body import validated
from coblyn.api.call import Call
from coblyn.api.route import Routes
from coblyn.errors import BadRequest

__all__ = ["MAX_CHARACTERS", "MAX_TEXTS", "routes"]

routes = Routes()

MAX_TEXTS = 1000
"""Number of texts of one request."""

MAX_CHARACTERS = 1_000_000
"""Number of characters of all texts of one request."""


class CountsBody(BaseModel):
    """Body of ``/api/coblyn/tokens``."""

    texts: list[str] = Field(description=f"At most {MAX_TEXTS}, of {MAX_CHARACTERS} characters.")
    model: str = Field(
        "", description="The model whose tokens are counted; the default one if empty."
    )


@routes.post("/api/coblyn/tokens", "Count tokens of many texts", CountsBody, {"texts": ["A lamp."]})
async def tokens(call: Call) -> Response:
    """``tokens`` has the count of each text, in their order, without BOS; names of special tokens count as text."""
    body = validated(CountsBody, await call.json())
    _require_limits(body.texts)
    async with call.services.models.acquire(body.model) as model:
        counts = await model.tokens.counts(body.texts)
    return JSONResponse({"model": model.name, "tokens": counts})


def _require_limits(texts: list[str]) -> None:
    if len(texts) > MAX_TEXTS:
        raise BadRequest(
            f"texts has {len(texts)} texts, and at most {MAX_TEXTS} are counted at a time.",
            field="texts",
            hint="Send them in several requests.",
        )
    size = sum(map(len, texts))
    if size > MAX_CHARACTERS:
        raise BadRequest(
            f"texts has {size} characters, and at most {MAX_CHARACTERS} are counted at a time.",
            field="texts",
            hint="Send them in several requests.",
        )
