"""Reading a JSON body, whatever its declared type, up to a size."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect

from coblyn.errors import BadRequest, Cancelled

__all__ = ["BodyTimeout", "BodyTooLarge", "read_json", "validated"]

Model = TypeVar("Model", bound=BaseModel)


class BodyTooLarge(BadRequest):
    """The body is larger than this server reads."""

    code = "body_too_large"
    status = 413


class BodyTimeout(BadRequest):
    """The body did not arrive in time."""

    code = "body_timeout"
    status = 408


_DRAINED = 4
"""A body is read and thrown away up to so many times the limit: a client that is still sending would not see the
answer, but a connection that was reset."""


async def read_json(request: Request) -> dict[str, Any]:
    """The body as a JSON object; an empty body is an empty object.

    Clients of these APIs often declare no type, or a wrong one, so it does not matter. Characters
    that UTF-8 can not express (lone surrogates) become question marks.

    Raises:
        BodyTooLarge: It is larger than the application's limit.
        BodyTimeout: It stopped arriving.
        BadRequest: It is no JSON object.
        Cancelled: The client left.
    """
    body = await _read(request, request.app.state.options.max_body)
    if not body.strip():
        return {}
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"The body is not JSON: {error}.") from error
    if not isinstance(value, dict):
        raise BadRequest("The body must be a JSON object.")
    has_surrogates = b"\\ud" in body or b"\\uD" in body
    return _scrubbed(value) if has_surrogates else value


def validated(model: type[Model], body: dict[str, Any]) -> Model:
    """A body as a wire model.

    Raises:
        BadRequest: A field is missing or has a wrong type; ``field`` names it.
    """
    try:
        return model.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise BadRequest(f"{field or 'The body'}: {first['msg']}.", field=field) from error


async def _read(request: Request, limit: int) -> bytes:
    seconds = request.app.state.options.body_seconds
    declared = request.headers.get("content-length", "0")
    is_too_large = declared.isdecimal() and int(declared) > limit
    body, size = bytearray(), 0
    try:
        async for chunk in _timed(request.stream(), seconds):
            size += len(chunk)
            if is_too_large := is_too_large or size > limit:
                body.clear()
                if size > _DRAINED * limit:
                    break
            else:
                body += chunk
    except ClientDisconnect as error:
        raise Cancelled("The client left before its request was complete.") from error
    if is_too_large:
        raise _too_large(limit)
    return bytes(body)


async def _timed(chunks: AsyncIterator[bytes], seconds: float) -> AsyncIterator[bytes]:
    """Chunks, each of which has to come within a time."""
    with contextlib.suppress(StopAsyncIteration):
        while True:
            try:
                async with asyncio.timeout(seconds):
                    chunk = await anext(chunks)
            except TimeoutError:
                raise BodyTimeout(
                    f"The body is not complete, and no more of it came for {seconds:g} s.",
                    hint="Send as many bytes as Content-Length says.",
                ) from None
            yield chunk


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"The body is larger than {limit >> 20} MiB.", hint="Send less at a time.")


def _scrubbed(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_scrubbed(item) for item in value]
    if isinstance(value, dict):
        return {_scrubbed(key): _scrubbed(item) for key, item in value.items()}
    return value
