"""One step of the engine, or some in a row, as the scheduler decided it and as the runner answers.

What is made for every token is a named tuple: it costs a third of a frozen dataclass to make.
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
"""Seconds that steps in a row may take. Text that comes in such pieces reads as a steady flow, as a film does."""


ALL_FORBIDDEN = -1
"""In place of a token: the biases and bans leave none."""

NO_NUMBERS = -2
"""In place of a token: the model's logits are not numbers."""


NOT_FOLLOWED = -3
"""In place of a token: the request's constraint cannot be followed any further."""

END_REFUSED = -4
"""In place of a token: reasoning has to end here, and the request's constraint does not allow that."""


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
    """Forget positions ``start`` and later of ``sequence``."""

    sequence: int
    start: int


@dataclass(frozen=True, slots=True)
class Save:
    """Copy a sequence, and the logits kept with it, to main memory under a key; then cut it.

    Attributes:
        sequence: Its id.
        key: The name of the copy.
        keep: Tokens that stay in the sequence.
        marks: Lengths at which the window is copied too, so that the copy can be restored up to there.
        taken: Further lengths, whose windows are those of an older copy with the same beginning: (length, its key).
    """

    sequence: int
    key: int
    keep: int
    marks: tuple[int, ...] = ()
    taken: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Restore:
    """Copy what was saved under a key into an empty sequence; the copy in main memory stays.

    ``length`` is the whole of it, or one of its marks.
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
        request_id: Whose they are.
        sequence: Sequence id in the context.
        position: Position of the first token.
        tokens: Token ids. Empty when logits that were kept are drawn from: those at the end of the prompt, or those
            of a row whose mask was late.
        outputs: Maximum number of tokens that are drawn; 0 for none. Where it is more than 1 + the drafts, steps that
            compute what was drawn need no decision.
        drafts: Guesses at the tokens that follow, computed in the same step. A token is drawn behind each that is
            right; those that are wrong stay in the sequence until they are removed.
        keeps_logits: Whether the logits of the last token are kept with the sequence, since its prompt ends here.
        media: What is computed in place of the tokens, which only say how many cells it takes.
        banned: Tokens that are not drawn first.
        is_guide: It is of what its request is guided away from, and has no outputs. The row that draws for the
            request, in the same plan, is guided by it; both end with the same tokens, and either may be empty.
    """

    request_id: str
    sequence: int
    position: int
    tokens: Sequence[int]
    outputs: int = 0
    drafts: tuple[int, ...] = ()
    keeps_logits: bool = False
    media: Media | None = None
    banned: tuple[int, ...] = ()
    is_guide: bool = False


class DraftWish(NamedTuple):
    """A text that a draft model should go on with.

    Attributes:
        request_id: Whose it is.
        tokens: Token ids of all of it. It grows and is cut from wish to wish; the same list each time.
        num_wanted: How many tokens are wanted.
    """

    request_id: str
    tokens: Sequence[int]
    num_wanted: int


class Rewind(NamedTuple):
    """Tokens that a request has drawn and gives back, or goes on with without having drawn them.

    Attributes:
        request_id: Whose they are.
        num_tokens: How many, the last ones.
        history: Token ids of its prompt and of what it keeps, those that it did not draw among them.
        forced: Those, the last ones.
    """

    request_id: str
    num_tokens: int
    history: Sequence[int]
    forced: Sequence[int] = ()


class Plan(NamedTuple):
    """Cache operations, in order, and then one ``llama_decode`` over all rows, or several.

    Attributes:
        operations: What is done first, to the KV cache.
        rows: What is computed.
        rewinds: What is forgotten before anything is drawn.

    A runner goes on by itself, for ``FRAME`` at most, while every row that draws wants more: further steps compute what
    was drawn. It stops after a token that ends a generation, and when it is interrupted. A row whose mask is late draws
    nothing, and the others need not wait for it.
    """

    operations: tuple[CacheOp, ...]
    rows: tuple[Row, ...]
    rewinds: tuple[Rewind, ...] = ()

    @property
    def num_tokens(self) -> int:
        """Tokens in the batch."""
        return sum(len(row.tokens) + len(row.drafts) for row in self.rows)


class Sampled(NamedTuple):
    """The token drawn for a row, or why there is none; log-probabilities only if its request asked for them.

    ``is_last`` says that the request's constraint allows nothing after it, ``is_forced`` that it had to follow the one
    before: it was not drawn, and is not computed.
    """

    token: int
    logprob: float | None = None
    top: tuple[tuple[int, float], ...] = ()
    is_last: bool = False
    is_forced: bool = False

    def followed_by(self, forced: Sequence[int], *, is_last: bool) -> list[Sampled]:
        """It and the tokens that have to follow it; ``is_last`` is said of the last one."""
        all_of_them = [self, *(Sampled(token, is_forced=True) for token in forced)]
        all_of_them[-1] = all_of_them[-1]._replace(is_last=is_last)
        return all_of_them


def num_drawn(row: Sequence[Sampled]) -> int:
    """How many tokens of a row were drawn, and are computed but for the last one."""
    return sum(not sampled.is_forced for sampled in row)
