"""One step of the engine, or several consecutive ones: the scheduler's plan, and the runner's results.

Values made for every token are named tuples, which take a third of the time of a frozen dataclass to make.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from coblyn.engine.prompt import Media

__all__ = [
    "ALL_FORBIDDEN",
    "END_REFUSED",
    "FRAME",
    "NOT_FOLLOWED",
    "NO_NUMBERS",
    "CacheOp",
    "Copy",
    "Discard",
    "DraftWish",
    "Plan",
    "Remove",
    "Restore",
    "Rewind",
    "Row",
    "Sampled",
    "Save",
    "num_drawn",
]

FRAME = 1 / 30
"""Maximum duration of consecutive steps in seconds. Text in pieces this short still appears to flow steadily."""


ALL_FORBIDDEN = -1
"""In place of a token: biases and bans leave none."""

NO_NUMBERS = -2
"""In place of a token: the model's logits are not numbers."""


NOT_FOLLOWED = -3
"""In place of a token: the request's constraint cannot be followed any further."""

END_REFUSED = -4
"""In place of a token: reasoning has to end here, but the request's constraint does not allow it."""


@dataclass(frozen=True, slots=True)
class Copy:
    """Let sequence ``target`` (empty) share positions 0 to ``length`` of ``source``, and the logits kept with it.

    Costs no KV cells.
    """

    source: int
    target: int
    length: int


@dataclass(frozen=True, slots=True)
class Remove:
    """Remove positions ``start`` and later from ``sequence``."""

    sequence: int
    start: int


@dataclass(frozen=True, slots=True)
class Save:
    """Copy a sequence, and the logits kept with it, to main memory under a key, then truncate it.

    Attributes:
        sequence: The sequence's id.
        key: Key of the copy.
        keep: Number of tokens that stay in the sequence.
        marks: Lengths at which the window is copied too, so that the copy can be restored up to there.
        taken: Further marks whose windows come from an older copy with the same beginning: (length, its key).
    """

    sequence: int
    key: int
    keep: int
    marks: tuple[int, ...] = ()
    taken: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Restore:
    """Copy the state saved under a key into an empty sequence; the copy in main memory stays.

    ``length`` is the full length of the copy, or one of its marks.
    """

    key: int
    sequence: int
    length: int


@dataclass(frozen=True, slots=True)
class Discard:
    """Free what was saved under a key."""

    key: int


CacheOp = Copy | Remove | Save | Restore | Discard


class Row(NamedTuple):
    """Consecutive tokens of one sequence.

    Attributes:
        request_id: The request's id.
        sequence: Sequence id in the context.
        position: Position of the first token.
        tokens: Token ids. Empty when the draw uses kept logits: those at the end of the prompt, or those of a row whose
            mask was late.
        max_drawn: Maximum number of tokens to draw; 0 for none. If it is larger than 1 + the number of drafts, the
            runner may compute drawn tokens in further steps without a new plan.
        drafts: Guesses for the following tokens, computed in the same step. A token is drawn after each correct one;
            wrong ones stay in the sequence until they are removed.
        keeps_logits: Whether to keep the logits of the last token with the sequence, since its prompt ends here.
        media: The media item to compute in place of the tokens, which then only give its number of cells.
        num_media_before: Number of media items of its sequence before it.
        banned: Tokens that must not be drawn first.
        is_guide: Whether it belongs to the negative prompt. Such a row draws nothing; it guides the row of the same
            request in the same plan. Both end with the same tokens, and either may be empty.
        is_followed: Whether prediction heads should follow its text, since their guesses may be wanted soon.
    """

    request_id: str
    sequence: int
    position: int
    tokens: Sequence[int]
    max_drawn: int = 0
    drafts: tuple[int, ...] = ()
    keeps_logits: bool = False
    media: Media | None = None
    num_media_before: int = 0
    banned: tuple[int, ...] = ()
    is_guide: bool = False
    is_followed: bool = False


class DraftWish(NamedTuple):
    """A text for which a draft model or prediction heads should guess tokens.

    Attributes:
        request_id: The request's id.
        sequence: Sequence id that it is computed in.
        tokens: All its token ids: the same list each time, which grows and is cut between wishes.
        num_wanted: Number of tokens wanted.
    """

    request_id: str
    sequence: int
    tokens: Sequence[int]
    num_wanted: int


class Rewind(NamedTuple):
    """Tokens that a request takes back, or continues with although they were not drawn.

    Attributes:
        request_id: The request's id.
        num_tokens: Number of last tokens to take back.
        history: Token ids of its prompt and of its text after the change, forced ones included.
        forced: The last tokens of ``history``, which were not drawn.
    """

    request_id: str
    num_tokens: int
    history: Sequence[int]
    forced: Sequence[int] = ()


class Plan(NamedTuple):
    """Cache operations, in order, and then one ``llama_decode`` over all rows, or several.

    Attributes:
        operations: KV cache operations, executed first.
        rows: The rows to compute.
        rewinds: Changes to samplers and constraints, applied before anything is drawn.

    While every drawing row wants more tokens, a runner continues by itself for at most ``FRAME`` seconds; the further
    steps compute the drawn tokens. It stops after a token that ends a generation, and when interrupted. A row whose
    mask is late draws nothing, and the others do not wait for it.
    """

    operations: tuple[CacheOp, ...]
    rows: tuple[Row, ...]
    rewinds: tuple[Rewind, ...] = ()

    @property
    def num_tokens(self) -> int:
        """Number of tokens in the batch."""
        return sum(len(row.tokens) + len(row.drafts) for row in self.rows)


class Sampled(NamedTuple):
    """The token drawn for a row, or the reason why there is none; log-probabilities only if requested.

    ``is_last``: the request's constraint allows nothing after it. ``is_forced``: the constraint forced it, so it was
    neither drawn nor computed.
    """

    token: int
    logprob: float | None = None
    top: tuple[tuple[int, float], ...] = ()
    is_last: bool = False
    is_forced: bool = False

    def followed_by(self, forced: Sequence[int], *, is_last: bool) -> list[Sampled]:
        """This token and the forced ones after it; ``is_last`` is set on the last one."""
        all_of_them = [self, *(Sampled(token, is_forced=True) for token in forced)]
        all_of_them[-1] = all_of_them[-1]._replace(is_last=is_last)
        return all_of_them


def num_drawn(row: Sequence[Sampled]) -> int:
    """Number of drawn tokens of a row; all but the last one are computed."""
    return sum(not sampled.is_forced for sampled in row)
