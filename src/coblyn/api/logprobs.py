"""Log-probabilities in the two forms that OpenAI gave them, which other APIs have taken over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from coblyn.engine.events import TokenLogprob, TokenText

__all__ = ["chat_form", "completion_form"]

LEAST_LOGPROB = -9999.0
"""Stands for a token that is impossible: JSON has no infinity."""

Token = TokenText | TokenLogprob


def chat_form(tokens: Iterable[TokenText], *, with_ids: bool = False) -> list[dict[str, Any]]:
    """An object per token, as chat completions carry them; Kobold's also have the token's id."""
    return [
        _entry(token, with_ids) | {"top_logprobs": [_entry(top, with_ids) for top in token.top]}
        for token in tokens
    ]


def completion_form(tokens: Sequence[TokenText], offset: int) -> dict[str, Any]:
    """A list per property, as text completions carry them.

    Args:
        tokens: The tokens.
        offset: Characters of the text before the first of them.
    """
    texts = [_text(token) for token in tokens]
    offsets = []
    for text in texts:
        offsets.append(offset)
        offset += len(text)
    return {
        "tokens": texts,
        "token_logprobs": [_finite(token) for token in tokens],
        "top_logprobs": [{_text(top): _finite(top) for top in token.top} for token in tokens],
        "text_offset": offsets,
    }


def _entry(token: Token, with_ids: bool) -> dict[str, Any]:
    text = {"token": _text(token), "logprob": _finite(token), "bytes": list(token.piece)}
    return {**text, "token_id": token.token} if with_ids else text


def _text(token: Token) -> str:
    return token.piece.decode(errors="replace")


def _finite(token: Token) -> float:
    return max(token.logprob or 0.0, LEAST_LOGPROB)
