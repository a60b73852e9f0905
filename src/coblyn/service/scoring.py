"""Log-probabilities of a prompt's tokens."""

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
    """The command that forces a model to generate the prompt after its first token; None if it has only one token.

    Args:
        ids: The prompt.
        num_alternatives: Number of most likely tokens reported per place, 0 to 20.
        model: Name of the model.
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
    """All tokens of a prompt; the first has no log-probability, since nothing precedes it."""
    return (TokenText(token, piece), *others)
