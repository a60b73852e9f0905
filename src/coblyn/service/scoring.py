"""How likely a prompt is, token by token."""

from __future__ import annotations

import json
from collections.abc import Sequence

from coblyn.constraints.constraint import Constraint
from coblyn.engine.events import TokenText
from coblyn.engine.params import SamplingParams
from coblyn.service.command import GenerateCommand, TokenPrompt

__all__ = ["scoring_command", "with_first"]


def scoring_command(
    ids: Sequence[int], num_alternatives: int, model: str
) -> GenerateCommand | None:
    """What makes a model write a prompt as it is, from its first token on; None where there is no second.

    Args:
        ids: The prompt.
        num_alternatives: Most likely tokens that are told at each place, 0 to 20.
        model: Name of the model that is meant.
    """
    if len(ids) < 2:
        return None
    return GenerateCommand(
        TokenPrompt(tuple(ids[:1])),
        max_tokens=len(ids) - 1,
        sampling=SamplingParams(temperature=0.0, seed=0, logprobs=num_alternatives),
        ignore_eos=True,
        special=True,
        constraint=Constraint("tokens", json.dumps(list(ids[1:]))),
        model=model,
    )


def with_first(token: int, piece: bytes, others: Sequence[TokenText]) -> tuple[TokenText, ...]:
    """All tokens of a prompt: the first has no log-probability, since nothing stands before it."""
    return (TokenText(token, piece), *others)
