"""The events of a request, in this order: Prefill*, Delta*, then one Finish or Failed.

``is_last`` is true for the two that end a request.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple, Self

import msgspec

from coblyn.errors import CoblynError, error_from_code

__all__ = [
    "Delta",
    "Event",
    "Failed",
    "Finish",
    "FinishReason",
    "Prefill",
    "Stats",
    "TokenLogprob",
    "TokenText",
]

FinishReason = Literal["eos", "stop", "length", "cancelled"]


class TokenLogprob(NamedTuple):
    """One alternative at a position: the token, its bytes and its natural-log probability."""

    token: int
    piece: bytes
    logprob: float


class TokenText(NamedTuple):
    """One generated token.

    Attributes:
        token: Its id.
        piece: Its bytes; they may be part of a character.
        logprob: Natural-log probability in the model's own distribution, or None if not requested.
        top: The most likely tokens at that position, best first.
    """

    token: int
    piece: bytes
    logprob: float | None = None
    top: tuple[TokenLogprob, ...] = ()


class _Event(msgspec.Struct, frozen=True, array_like=True):
    """Base of all events.

    They are structs, not dataclasses: msgspec can decode a union of them, and they are cheaper to make for every token.
    """

    request_id: str


class Prefill(_Event, frozen=True, tag=0):
    """Progress of prefill, in tokens: ``cached`` were in memory, ``processed`` of ``total`` are done."""

    is_last: ClassVar[bool] = False

    total: int
    cached: int
    processed: int


class Delta(_Event, frozen=True, tag=1):
    """New text, and the tokens whose text ends in it.

    Text that could begin a stop string, and bytes of an incomplete character, are held back together with their tokens
    until more follows.
    """

    is_last: ClassVar[bool] = False

    text: str
    tokens: tuple[TokenText, ...] = ()


@dataclass(frozen=True, slots=True)
class Stats:
    """Cost of a request: tokens, seconds, and how many drafted tokens were accepted."""

    num_prompt: int = 0
    num_cached: int = 0
    num_generated: int = 0
    queue_seconds: float = 0.0
    prefill_seconds: float = 0.0
    decode_seconds: float = 0.0
    num_drafts: int = 0
    num_right: int = 0

    def named(self) -> dict[str, int | float]:
        """Its numbers under the names that clients know, which are OpenAI's where it has them."""
        return {
            "prompt_tokens": self.num_prompt,
            "cached_tokens": self.num_cached,
            "completion_tokens": self.num_generated,
            "queue_seconds": self.queue_seconds,
            "prefill_seconds": self.prefill_seconds,
            "decode_seconds": self.decode_seconds,
            "draft_tokens": self.num_drafts,
            "right_drafts": self.num_right,
        }


class Finish(_Event, frozen=True, tag=2):
    """The request is over. ``stop`` is the stop string that ended it, if any."""

    is_last: ClassVar[bool] = True

    reason: FinishReason
    stats: Stats
    stop: str = ""


class Failed(_Event, frozen=True, tag=3):
    """The request failed; ``code`` is the code of a class in ``coblyn.errors``."""

    is_last: ClassVar[bool] = True

    code: str
    message: str
    hint: str = ""
    field: str = ""

    @classmethod
    def by(cls, request_id: str, error: CoblynError) -> Self:
        """The event for a request that failed with an error."""
        return cls(request_id, error.code, error.message, error.hint, error.field)

    @property
    def error(self) -> CoblynError:
        """The error as an exception."""
        return error_from_code(self.code, self.message, hint=self.hint, field=self.field)


Event = Prefill | Delta | Finish | Failed
