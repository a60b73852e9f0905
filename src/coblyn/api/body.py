"""Reads JSON bodies of any declared content type, up to a maximum size."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.types import Receive

from coblyn.api.state import ApiOptions
from coblyn.errors import BadRequest, Cancelled

__all__ = [
    "BodyTimeout",
    "BodyTooLarge",
    "part_deadline",
    "parts_of",
    "read_bytes",
    "read_json",
    "read_value",
    "token_id",
    "validated",
]

Model = TypeVar("Model", bound=BaseModel)


class BodyTooLarge(BadRequest):
    """The body is larger than the server's limit."""

    code = "body_too_large"
    status = 413


class BodyTimeout(BadRequest):
    """The body did not arrive in time."""

    code = "body_timeout"
    status = 408


MAX_DEPTH = 100
"""Maximum nesting depth of lists and objects. Clients need at most ten, and the readers are recursive."""

_MESSAGES = {
    "int_parsing_size": "An integer has at most 64 bits",
    "finite_number": "Infinite is not a number here",
    "dict_type": "This has to be an object",
    "list_type": "This has to be a list",
}
"""Replacements for pydantic's messages, which misdescribe numbers that are too large and speak of dictionaries."""

_LEFT = "The client left before its request was complete."

_MAX_DIGITS = 20
"""Maximum length of a 64-bit integer in decimal, sign included."""

_DRAINED = 4
"""Oversized bodies are read and discarded up to this many times the limit: a client that is still sending would see
a reset connection instead of the answer."""

_MIN_RATE = 1024
"""Bytes per second at which a body must arrive once its first ``body_seconds`` are over: otherwise a client that sends
a byte now and then would hold its connection for days."""


async def read_json(request: Request, options: ApiOptions) -> dict[str, Any]:
    """The body as a JSON object; an empty body is an empty object. See ``read_value``.

    Raises:
        BadRequest: It is not a JSON object.
    """
    value = await read_value(request, options)
    if not isinstance(value, dict):
        raise BadRequest("The body must be a JSON object.")
    return value


async def read_value(request: Request, options: ApiOptions) -> Any:
    """Parse the body as JSON; an empty body is an empty object.

    The declared content type is ignored, since clients often send none or a wrong one. Lone surrogates, which UTF-8
    cannot express, become question marks.

    Raises:
        BodyTooLarge: It is larger than the options allow.
        BodyTimeout: It stopped arriving.
        BadRequest: It is not JSON.
        Cancelled: The client left.
    """
    body = await _read(request, options.max_body, options.body_seconds)
    if not body.strip():
        return {}
    try:
        value = json.loads(body, parse_int=_integer)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"The body is not JSON: {error}.") from error
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH:  # skip the costly checks for most bodies
        _require_shallow(value)
    return _scrubbed(value) if _may_have_surrogates(body) else value


async def read_bytes(request: Request, options: ApiOptions) -> bytes:
    """Read the raw body, such as a file.

    Raises:
        BodyTooLarge: It is larger than the options allow.
        BodyTimeout: It stopped arriving.
        Cancelled: The client left.
    """
    return await _read(request, options.max_body, options.body_seconds)


async def parts_of(request: Request, options: ApiOptions) -> AsyncIterator[bytes]:
    """The body as it comes, however large: a file that is written to the disk.

    Raises:
        BodyTimeout: It stopped arriving.
        Cancelled: The client left.
    """
    async for part in _timed(request.receive, options.body_seconds):
        yield part


def _may_have_surrogates(body: bytes) -> bool:
    if b"\\ud" in body or b"\\uD" in body or not json.detect_encoding(body).startswith("utf-8"):
        return True
    # Written as they are, which is no UTF-8; the parser takes them all the same.
    return b"\xed" in body and re.search(rb"\xed[\xa0-\xbf]", body) is not None


def validated(model: type[Model], body: dict[str, Any]) -> Model:
    """Validate a body as a wire model.

    Raises:
        BadRequest: A field is missing or has a wrong type; ``field`` names it.
    """
    try:
        return model.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = _path(body, first["loc"])
        message = _MESSAGES.get(first["type"], first["msg"])
        raise BadRequest(f"{field or 'The body'}: {message}.", field=field) from error


def token_id(text: str) -> int | None:
    """The token id in a JSON key, or None; no vocabulary has ids above 31 bits."""
    is_short = len(text) <= _MAX_DIGITS and text.isascii() and text.isdigit()
    return int(text) if is_short and int(text) < 2**31 else None


def _integer(digits: str) -> int | float:
    """Parse an integer of at most 64 bits; larger ones become floats, which integer fields refuse."""
    if len(digits) <= _MAX_DIGITS and -(2**63) <= (value := int(digits)) < 2**64:
        return value
    return float(digits)


def _require_shallow(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _parts(outer)]
        if not level:
            return
    raise BadRequest(f"The body is nested more than {MAX_DEPTH} deep.")


def _parts(value: Any) -> list[Any]:
    """The lists and objects in a list or an object."""
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [item for item in items if isinstance(item, (dict, list))]


def _path(value: Any, location: tuple[int | str, ...]) -> str:
    """A path in a body, such as ``messages[0].role``, without pydantic's union alternatives."""
    path = ""
    for part in location:
        keys: Any = (
            value
            if isinstance(value, dict)
            else range(len(value) if isinstance(value, list) else 0)
        )
        if part in keys:
            path += f"[{part}]" if isinstance(value, list) else f".{part}"
            value = value[part]
    return path.removeprefix(".") or ".".join(str(part) for part in location[:1])


async def _read(request: Request, limit: int, seconds: float) -> bytes:
    declared = request.headers.get("content-length", "0")
    is_too_large = declared.isdecimal() and int(declared) > limit
    body, size = bytearray(), 0
    if is_too_large and request.headers.get("expect", "").lower() == "100-continue":
        raise _too_large(limit)  # it has sent nothing yet, and waits for an answer
    async for chunk in _timed(request.receive, seconds):
        size += len(chunk)
        if is_too_large := is_too_large or size > limit:
            body.clear()
            if size > _DRAINED * limit:
                break
        else:
            body += chunk
    if is_too_large:
        raise _too_large(limit)
    return bytes(body)


def part_deadline(begun: float, now: float, received: int, seconds: float) -> float:
    """The time by which the next part of a body must arrive.

    Args:
        begun: When reading the body began, in seconds of any clock.
        now: The present time by the same clock.
        received: Number of bytes that have arrived.
        seconds: Maximum time for a part, and for a body slower than 1 KiB/s as a whole.
    """
    return min(now, begun + received / _MIN_RATE) + seconds


async def _timed(receive: Receive, seconds: float) -> AsyncIterator[bytes]:
    """Chunks of the body, each of which must arrive by its deadline."""
    clock = asyncio.get_running_loop().time
    begun, received, has_more = clock(), 0, True
    while has_more:
        now = clock()
        deadline = part_deadline(begun, now, received, seconds)
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            is_trickle = deadline < now + seconds and received > 0
            raise _too_slow(seconds, is_trickle=is_trickle) from None
        if message["type"] == "http.disconnect":
            raise Cancelled(_LEFT)
        chunk: bytes = message.get("body", b"")
        received += len(chunk)
        yield chunk
        has_more = message.get("more_body", False)


def _too_slow(seconds: float, *, is_trickle: bool) -> BodyTimeout:
    if is_trickle:
        return BodyTimeout(
            f"The body is not complete after {seconds:g} s, and comes more slowly than 1 KiB/s.",
            hint="Send the body faster, and as many bytes as Content-Length says.",
        )
    return BodyTimeout(
        f"The body is not complete, and no more of it came for {seconds:g} s.",
        hint="Send as many bytes as Content-Length says.",
    )


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
