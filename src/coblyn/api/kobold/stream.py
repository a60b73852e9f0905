"""Parts of ``/api/extra/generate/stream``.

The framing is KoboldCPP's: texts with a null reason, then an empty text with the reason, and no ``[DONE]``.
"""

from __future__ import annotations

import json
from typing import Any

from coblyn.api.dialect import Dialect
from coblyn.api.later import Warnings
from coblyn.api.logprobs import chat_form
from coblyn.api.stream import Chunks, json_text
from coblyn.engine.events import Delta, Finish, Prefill
from coblyn.service.hub import Record

__all__ = ["KoboldChunks"]

_TEXT = b'{"token": %b, "finish_reason": null}'
_END = b'{"token": "", "finish_reason": %b}'


class KoboldChunks(Chunks):
    """Parts of a stream.

    Args:
        dialect: Kobold's.
        with_events: Also send ``warnings`` first, ``progress`` while the prompt is read, ``logprobs`` before
            the text of their tokens if requested, and ``stats`` at the end.
        warnings: Ignored fields.
    """

    def __init__(self, dialect: Dialect, *, with_events: bool, warnings: Warnings) -> None:
        super().__init__(dialect)
        self._with_events = with_events
        self._warnings = warnings

    def opening(self, index: int) -> bytes:  # noqa: ARG002
        """The ignored fields."""
        return self._event(b"warnings", dict(self._warnings)) if self._warnings else b""

    def text(self, index: int, delta: Delta) -> bytes:  # noqa: ARG002 - there is one choice
        """New text, preceded by the alternatives of its tokens if requested."""
        told = self._message(_TEXT % json_text(delta.text)) if delta.text else b""
        if not delta.tokens or delta.tokens[0].logprob is None:
            return told
        return self._event(b"logprobs", {"content": chat_form(delta.tokens)}) + told

    def end(self, index: int, finish: Finish, record: Record) -> bytes:  # noqa: ARG002
        """The reason, and the statistics."""
        end = self._message(_END % json_text(self.dialect.finish_reasons[finish.reason]))
        stats = finish.stats.named() | {"seed": record.seed, "stop": finish.stop}
        return end + self._event(b"stats", stats)

    def progress(self, prefill: Prefill) -> bytes:
        """How much of the prompt has been read."""
        progress = {
            "total": prefill.total,
            "cached": prefill.cached,
            "processed": prefill.processed,
        }
        return self._event(b"progress", progress)

    def _message(self, data: bytes) -> bytes:
        return self.framing.frame(data, b"message")

    def _event(self, name: bytes, data: dict[str, Any]) -> bytes:
        return self.framing.frame(json.dumps(data).encode(), name) if self._with_events else b""
