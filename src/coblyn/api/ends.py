"""The fields of vLLM's clients about the end of the text, in tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from coblyn.api.ids import require_ids
from coblyn.errors import BadRequest
from coblyn.service.command import GenerateCommand

__all__ = ["bind_ends"]

MAX_STOP_TOKENS = 1000


def bind_ends(command: GenerateCommand, body: Mapping[str, Any]) -> GenerateCommand:
    """Add a body's ``min_tokens`` and ``stop_token_ids`` to a command.

    Raises:
        BadRequest: One of them is invalid; ``field`` names it.
    """
    least, ids = body.get("min_tokens") or 0, body.get("stop_token_ids") or []
    if type(least) is not int or not 0 <= least < 2**31:
        raise BadRequest(f"min_tokens must be between 0 and {2**31 - 1}.", field="min_tokens")
    ids = require_ids(ids, "stop_token_ids")
    if len(ids) > MAX_STOP_TOKENS:
        raise BadRequest(
            f"stop_token_ids holds {len(ids)} token ids; {MAX_STOP_TOKENS} are the most.",
            field="stop_token_ids",
        )
    return replace(command, min_tokens=least, stop_tokens=tuple(dict.fromkeys(ids)))
