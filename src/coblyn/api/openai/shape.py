"""Answers in OpenAI's form: what completions and chat completions share."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from coblyn.engine.events import Finish, TokenLogprob, TokenText
from coblyn.service.hub import Record

__all__ = [
    "FINISH_REASONS",
    "Answer",
    "chat_logprobs",
    "completion_logprobs",
    "finish_reason",
    "usage",
]

FINISH_REASONS = {"eos": "stop", "stop": "stop", "length": "length", "cancelled": "stop"}

LEAST_LOGPROB = -9999.0
"""Stands for a token that is impossible: JSON has no infinity."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What stands at the head of an answer and of each of its chunks."""

    id: str
    kind: str
    created: int
    model: str

    @classmethod
    def new(cls, prefix: str, kind: str, model: str) -> Answer:
        """An answer with an id of its own."""
        return cls(f"{prefix}-{uuid.uuid4().hex}", kind, int(time.time()), model)

    @property
    def head(self) -> dict[str, Any]:
        """The fields."""
        return {
            "id": self.id,
            "object": self.kind,
            "created": self.created,
            "model": self.model,
        }


def usage(records: Sequence[Record], num_choices: int) -> dict[str, Any]:
    """Tokens of finished generations; a prompt counts once for all its choices."""
    finished = [(index, r.finish.stats) for index, r in enumerate(records) if r.finish is not None]
    firsts = [stats for index, stats in finished if index % num_choices == 0]
    num_prompt = sum(stats.prompt_tokens for stats in firsts)
    num_completion = sum(stats.completion_tokens for _, stats in finished)
    return {
        "prompt_tokens": num_prompt,
        "completion_tokens": num_completion,
        "total_tokens": num_prompt + num_completion,
        "prompt_tokens_details": {"cached_tokens": sum(stats.cached_tokens for stats in firsts)},
    }


def finish_reason(finish: Finish | None) -> str | None:
    """OpenAI's word for how a generation ended."""
    return FINISH_REASONS[finish.reason] if finish else None


def chat_logprobs(tokens: Iterable[TokenText]) -> dict[str, Any]:
    """Log-probabilities as chat completions carry them."""
    return {
        "content": [
            _chat_token(token) | {"top_logprobs": [_chat_token(top) for top in token.top]}
            for token in tokens
        ],
        "refusal": None,
    }


def completion_logprobs(tokens: Sequence[TokenText], offset: int) -> dict[str, Any]:
    """Log-probabilities as text completions carry them.

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
        "token_logprobs": [_finite(token.logprob) for token in tokens],
        "top_logprobs": [{_text(t): _finite(t.logprob) for t in token.top} for token in tokens],
        "text_offset": offsets,
    }


def _chat_token(token: TokenText | TokenLogprob) -> dict[str, Any]:
    return {
        "token": _text(token),
        "logprob": _finite(token.logprob),
        "bytes": list(token.piece),
    }


def _text(token: TokenText | TokenLogprob) -> str:
    return token.piece.decode(errors="replace")


def _finite(logprob: float | None) -> float:
    return max(logprob or 0.0, LEAST_LOGPROB)
