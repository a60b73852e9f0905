"""What the engine says about a request, in this order: Prefill*, Delta*, then one Finish or Failed.

``is_last`` tells the two that end a request from the others.
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
        logprob: Natural-log probability in the model's own distribution, or None when not asked for.
        top: The most likely tokens of that position, best first.
    """

    token: int
    piece: bytes
    logprob: float | None = None
    top: tuple[TokenLogprob, ...] = ()


class _Event(msgspec.Struct, frozen=True, array_like=True):
    """Structs, not dataclasses: a union of these can be decoded, and one is made for every token of a stream."""

    request_id: str


class Prefill(_Event, frozen=True, tag=0):
    """Progress of reading the prompt, in tokens: ``cached`` were in memory, ``processed`` are done of ``total``."""

    is_last: ClassVar[bool] = False

    total: int
    cached: int
    processed: int


class Delta(_Event, frozen=True, tag=1):
    """New text, and the tokens whose text ends in it.

    Text that could be the start of a stop string, and bytes that are only part of a character, wait for what follows,
    and their tokens with them.
    """

    is_last: ClassVar[bool] = False

    text: str
    tokens: tuple[TokenText, ...] = ()


@dataclass(frozen=True, slots=True)
class Stats:
    """What a request cost: tokens and seconds; of the tokens that were guessed ahead, how many were right."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    queue_seconds: float = 0.0
    prefill_seconds: float = 0.0
    decode_seconds: float = 0.0
    draft_tokens: int = 0
    right_drafts: int = 0


class Finish(_Event, frozen=True, tag=2):
    """The request is over. ``stop`` is the stop string that ended it, if one did."""

    is_last: ClassVar[bool] = True

    reason: FinishReason
    stats: Stats
    stop: str = ""


class Failed(_Event, frozen=True, tag=3):
    """The request ended in an error; ``code`` is that of a class in ``coblyn.errors``."""

    is_last: ClassVar[bool] = True

    code: str
    message: str
    hint: str = ""
    field: str = ""

    @classmethod
    def by(cls, request_id: str, error: CoblynError) -> Self:
        """A request that failed with an error."""
        return cls(request_id, error.code, error.message, error.hint, error.field)

    @property
    def error(self) -> CoblynError:
        """What it failed with."""
        return error_from_code(self.code, self.message, hint=self.hint, field=self.field)


Event = Prefill | Delta | Finish | Failed
