"""``logit_bias`` in the formats of all clients."""

from __future__ import annotations

import math
from typing import Any

from coblyn.api.body import token_id
from coblyn.errors import BadRequest

__all__ = ["FORBIDDEN", "Biases", "forbidden_tokens", "read_biases"]

FORBIDDEN = -math.inf

Biases = tuple[tuple[int, float], ...]
"""Pairs of a token id and the value added to its logit."""


def read_biases(given: Any, field: str = "logit_bias") -> Biases:
    """The biases of a body.

    Args:
        given: OpenAI's object of token ids, llama-server's list of pairs, or nothing. ``false`` in place of a number
            forbids the token.
        field: Its name in the body.

    Raises:
        BadRequest: It is neither, or an entry is not a token id and a number.
    """
    if given is None:
        return ()
    if isinstance(given, dict):
        pairs = list(given.items())
    elif isinstance(given, list) and all(isinstance(e, list) and len(e) == 2 for e in given):
        pairs = [(entry[0], entry[1]) for entry in given]
    else:
        raise BadRequest(
            f"{field} must be an object of token ids and numbers, or a list of pairs.", field=field
        )
    return tuple((_token(key, field), _bias(value, field)) for key, value in pairs)


def forbidden_tokens(given: Any, field: str) -> Biases:
    """Banned token ids: a list, or text with commas.

    Raises:
        BadRequest: One is not a token id.
    """
    entries = given.split(",") if isinstance(given, str) else given or []
    if not isinstance(entries, list):
        raise BadRequest(f"{field} must hold token ids.", field=field)
    texts = [entry.strip() if isinstance(entry, str) else entry for entry in entries]
    return tuple((_token(entry, field), FORBIDDEN) for entry in texts if entry != "")


def _token(key: Any, field: str) -> int:
    is_text_or_id = isinstance(key, str | int) and not isinstance(key, bool)
    token = token_id(str(key)[:32]) if is_text_or_id else None
    if token is None:
        raise BadRequest(f"{field}: {str(key)[:32]!r} is not a token id.", field=field)
    return token


def _bias(value: Any, field: str) -> float:
    if value is False:
        return FORBIDDEN
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value):
        raise BadRequest(f"{field}: {str(value)[:32]} is not a number.", field=field)
    return float(value)
