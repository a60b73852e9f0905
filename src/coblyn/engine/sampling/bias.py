"""Logit bias and bans: what is added to single tokens."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from coblyn.engine.sampling.distribution import Logits

__all__ = ["apply_bias", "ban"]


def apply_bias(logits: Logits, bias: tuple[tuple[int, float], ...]) -> Logits:
    """Add to the logits of some tokens; ids outside the vocabulary are ignored."""
    out = logits.copy()
    for token, value in bias:
        if 0 <= token < len(out):
            out[token] += value
    return out


def ban(logits: Logits, tokens: Iterable[int]) -> Logits:
    """Forbid tokens.

    KoboldCPP lowers them to 8 below the smallest logit instead; they are not candidates here, so that a ban holds
    whatever the temperature is.
    """
    return apply_bias(logits, tuple((token, -np.inf) for token in tokens))
