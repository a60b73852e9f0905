"""Log-probabilities in OpenAI's two formats, which other APIs have adopted."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from coblyn.chat.flag import read_flag
from coblyn.engine.events import TokenLogprob, TokenText
from coblyn.service.command import GenerateCommand

__all__ = [
    "KOBOLD_LOGPROBS",
    "Offsets",
    "bind_logprobs",
    "chat_form",
    "completion_form",
    "finite_logprob",
]

LEAST_LOGPROB = -9999.0
"""The value for an impossible token, since JSON has no infinity."""

KOBOLD_LOGPROBS = 10
"""Alternatives per token for KoboldCPP's clients, which do not say how many they want."""

Token = TokenText | TokenLogprob


def bind_logprobs(command: GenerateCommand, body: Mapping[str, Any]) -> GenerateCommand:
    """Add the kind of log-probabilities that a body requests to a command.

    ``logprobs_after`` (llama-server: ``post_sampling_probs``) requests those after the samplers.

    Raises:
        BadRequest: It is neither true nor false.
    """
    for name in ("logprobs_after", "post_sampling_probs"):
        if read_flag(body, name):
            return replace(command, sampling=replace(command.sampling, logprobs_after=True))
    return command


class Offsets:
    """Tracks the offsets at which tokens begin in a text, in characters.

    A token that continues a character begins where that character does.

    Args:
        start: Number of characters before the first token.
    """

    def __init__(self, start: int = 0) -> None:
        self._end = start
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def take(self, tokens: Iterable[TokenText]) -> list[int]:
        """The offsets of the next tokens."""
        return [self._take(token.piece) for token in tokens]

    def _take(self, piece: bytes) -> int:
        start = self._end
        self._end += len(self._decoder.decode(piece))
        return start


def chat_form(tokens: Iterable[TokenText], *, with_ids: bool = False) -> list[dict[str, Any]]:
    """An object per token, as chat completions carry them; Kobold's also have the token's id."""
    return [
        _entry(token, with_ids) | {"top_logprobs": [_entry(top, with_ids) for top in token.top]}
        for token in tokens
    ]


def completion_form(tokens: Sequence[TokenText], offsets: Offsets) -> dict[str, Any]:
    """A list per property, as text completions carry them.

    Args:
        tokens: The tokens.
        offsets: Offsets in the text that they continue.
    """
    return {
        "tokens": [_text(token) for token in tokens],
        "token_logprobs": [None if t.logprob is None else finite_logprob(t) for t in tokens],
        "top_logprobs": [_alternatives(token) for token in tokens],
        "text_offset": offsets.take(tokens),
    }


def _alternatives(token: TokenText) -> dict[str, float] | None:
    """The alternatives; null for the first token of a prompt, which has no context."""
    if token.logprob is None:
        return None
    return {_text(top): finite_logprob(top) for top in token.top}


def _entry(token: Token, with_ids: bool) -> dict[str, Any]:
    text = {"token": _text(token), "logprob": finite_logprob(token), "bytes": list(token.piece)}
    return {**text, "token_id": token.token} if with_ids else text


def _text(token: Token) -> str:
    return token.piece.decode(errors="replace")


def finite_logprob(token: Token) -> float:
    """Its log-probability as a finite number; 0 if it is not known."""
    return max(token.logprob or 0.0, LEAST_LOGPROB)
