"""Rows of consecutive steps of the fake runner."""

from __future__ import annotations

from collections.abc import Sequence

from coblyn.engine.fake_vocab import END
from coblyn.engine.plan import Row, Sampled

__all__ = ["following_row", "wants_more"]


def wants_more(row: Row, drawn: Sequence[Sampled]) -> bool:
    """Whether a row continues in the next step without a new plan."""
    return not row.drafts and len(drawn) < row.max_drawn and drawn[-1].token not in (END, -1)


def following_row(row: Row, drawn: Sequence[Sampled]) -> Row:
    """The row's continuation in the next step."""
    position = row.position + len(row.tokens) + len(drawn) - 1
    tokens, max_drawn = [drawn[-1].token], int(not row.is_guide)
    return row._replace(position=position, tokens=tokens, max_drawn=max_drawn, keeps_logits=False)
