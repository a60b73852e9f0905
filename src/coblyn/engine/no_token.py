"""The error of a request for which no token could be drawn."""

from __future__ import annotations

from coblyn.engine.plan import END_REFUSED, NO_NUMBERS, NOT_FOLLOWED
from coblyn.engine.prompt import Prompt
from coblyn.engine.request import Request
from coblyn.errors import BadRequest, CoblynError, EngineError, ModelBroken

__all__ = ["no_token"]


def no_token(reason: int, request: Request[Prompt]) -> CoblynError:
    """The error that a request ends in.

    Args:
        reason: The value in place of a token (``plan.py``).
        request: The request.
    """
    if reason == NOT_FOLLOWED:
        return EngineError(
            "The constraint could not be followed any further: what it allows takes too long to compute.",
            hint="Simplify the schema or the grammar, or allow more time (constraint_seconds).",
        )
    if reason == END_REFUSED:
        return BadRequest(
            "Reasoning reached its limit where the constraint does not allow it to end.",
            field="constraint",
            hint="Let the constraint begin after the reasoning (a trigger), or raise the limit.",
        )
    if reason == NO_NUMBERS:
        return ModelBroken(
            "The model computes NaN: its file is damaged, or was overwritten while in use.",
            hint="Download the file again, and reload it.",
        )
    if request.has_bans:
        return BadRequest(
            "Everything that the model could write here is a banned phrase or pattern.",
            field="banned_phrases",
        )
    return BadRequest(
        "No token is left to choose: the logit bias and the bans forbid all of them.",
        field="logit_bias",
    )
