"""Frames of ``/api/extra/generate/stream``.

The framing is KoboldCPP's: text with a null reason, at last an empty text with the reason, and no
``[DONE]``.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncGenerator
from typing import Any

from coblyn.api.kobold.shape import FINISH_REASONS
from coblyn.api.stream import json_text
from coblyn.engine.events import Delta, Finish, Prefill
from coblyn.errors import CoblynError
from coblyn.service.generate import Generation

__all__ = ["frames"]

_TEXT = b'event: message\ndata: {"token": %b, "finish_reason": null}\n\n'
_END = b'event: message\ndata: {"token": "", "finish_reason": %b}\n\n'
_ERROR = (
    b'event: message\ndata: {"token": "", "finish_reason": "error", "error": %b, "type": %b}\n\n'
)


async def frames(generation: Generation, *, with_events: bool) -> AsyncGenerator[bytes, None]:
    """Frames of a generation.

    Args:
        generation: Where the events come from.
        with_events: Also send ``progress`` while the prompt is read, and ``stats`` at the end.
    """
    try:
        async for event in generation:
            if isinstance(event, Delta):
                if event.text:
                    yield _TEXT % json_text(event.text)
            elif isinstance(event, Finish):
                yield _END % json_text(FINISH_REASONS[event.reason])
                if with_events:
                    yield _named("stats", _stats(event, generation.record.seed))
            elif with_events and isinstance(event, Prefill):
                yield _named("progress", _progress(event))
    except CoblynError as error:
        yield _ERROR % (json_text(str(error)), json_text(error.code))


def _progress(event: Prefill) -> dict[str, int]:
    return {"total": event.total, "cached": event.cached, "processed": event.processed}


def _stats(event: Finish, seed: int) -> dict[str, Any]:
    return dataclasses.asdict(event.stats) | {"seed": seed, "stop": event.stop}


def _named(name: str, data: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()
