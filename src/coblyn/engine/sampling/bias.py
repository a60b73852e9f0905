"""Logit bias and bans of single tokens."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from coblyn.engine.sampling.distribution import Logits

__all__ = ["apply_bias", "ban"]


def apply_bias(logits: Logits, bias: tuple[tuple[int, float], ...]) -> Logits:
    """Add values to the logits of some tokens; ids outside the vocabulary are ignored."""
    out = logits.copy()
    for token, value in bias:
        if 0 <= token < len(out):
            out[token] += value
    return out


def ban(logits: Logits, tokens: Iterable[int]) -> Logits:
    """Forbid tokens.

    KoboldCPP lowers them to 8 below the smallest logit instead. Here they are no candidates, so that a ban holds at any
    temperature.
    """
    return apply_bias(logits, tuple((token, -np.inf) for token in tokens))
