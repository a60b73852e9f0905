"""Answers in Anthropic's format: what complete answers and streams share."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from coblyn.engine.events import Finish
from coblyn.service.inventory import Item
from coblyn.service.models import ModelEntry

__all__ = ["Ending", "message_head", "model_page", "model_shape", "usage", "waiting_shape"]


class Ending:
    """How a message ended, in Anthropic's terms.

    Args:
        finish: The engine's finish event.
        stops: The client's stop sequences; templates add more.
        max_tokens: The client's limit of tokens.
        has_calls: Whether the model called a tool.

    Attributes:
        reason: The stop reason.
        stop: The client's stop sequence that ended it; None if none did.
    """

    def __init__(
        self, finish: Finish, stops: Collection[str], max_tokens: int, *, has_calls: bool
    ) -> None:
        self.stop = finish.stop if finish.reason == "stop" and finish.stop in stops else None
        if finish.reason == "length":
            is_full = finish.stats.num_generated < max_tokens
            self.reason = "model_context_window_exceeded" if is_full else "max_tokens"
        elif has_calls:
            self.reason = "tool_use"
        else:
            self.reason = "end_turn" if self.stop is None else "stop_sequence"

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of a message."""
        return {"stop_reason": self.reason, "stop_sequence": self.stop}


def message_head(model: str) -> dict[str, Any]:
    """The fields before a message's content, with a new id."""
    return {
        "id": f"msg_{uuid.uuid4().hex}",
        "type": "message",
        "role": "assistant",
        "model": model,
    }


def usage(num_prompt: int, num_cached: int, num_output: int) -> dict[str, int]:
    """Token counts; computed and cached prompt tokens are separate."""
    return {
        "input_tokens": num_prompt - num_cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": num_cached,
        "output_tokens": num_output,
    }


def model_shape(entry: ModelEntry) -> dict[str, Any]:
    """A model."""
    return {
        "type": "model",
        "id": entry.id,
        "display_name": entry.id,
        "created_at": _stamp(datetime.fromtimestamp(entry.created, UTC)),
        "max_input_tokens": entry.info.context,
        "max_tokens": entry.info.context,
        "lifecycle": "active",
    }


def waiting_shape(item: Item) -> dict[str, Any]:
    """A model that is loaded on demand; how much it takes is known only then."""
    return {
        "type": "model",
        "id": item.file_name,
        "display_name": item.file_name,
        "created_at": _stamp(item.modified),
        "max_input_tokens": None,
        "max_tokens": None,
        "lifecycle": "active",
    }


def model_page(shapes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """All models, as the only page of their list."""
    return {
        "data": list(shapes),
        "has_more": False,
        "first_id": shapes[0]["id"] if shapes else None,
        "last_id": shapes[-1]["id"] if shapes else None,
    }


def _stamp(time: datetime) -> str:
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")
