"""Samplers that drop candidates and leave the others as they are. Each keeps at least one."""

from __future__ import annotations

import numpy as np

from coblyn.engine.sampling.distribution import (
    Logits,
    count,
    entropy,
    keep,
    log_probabilities,
    probabilities,
    ranking,
)

__all__ = [
    "keep_min_p",
    "keep_tail_free",
    "keep_top_a",
    "keep_top_k",
    "keep_top_n_sigma",
    "keep_top_p",
    "keep_typical",
]


def keep_top_k(logits: Logits, k: int) -> Logits:
    """The ``k`` best; 0 or less keeps all.

    Fan et al., "Hierarchical Neural Story Generation", 2018.
    """
    return keep(logits, ranking(logits)[:k]) if k > 0 else logits


def keep_top_p(logits: Logits, p: float) -> Logits:
    """The smallest set of best tokens whose probability reaches ``p``; 1 keeps all.

    Holtzman et al., "The Curious Case of Neural Text Degeneration", 2019.
    """
    if p >= 1:
        return logits
    order = ranking(logits)
    reached = np.cumsum(probabilities(logits)[order]) >= p
    num_kept = int(np.argmax(reached)) + 1 if reached.any() else len(order)
    return keep(logits, order[:num_kept])


def keep_min_p(logits: Logits, p: float) -> Logits:
    """Tokens at least ``p`` times as likely as the best one, that is ``l >= max(l) + ln p``; 0 keeps all.

    Nguyen et al., "Turning Up the Heat: Min-p Sampling", 2024; llama.cpp's pull request 3841.
    """
    if p <= 0:
        return logits
    return np.where(logits >= logits.max() + np.log(min(p, 1.0)), logits, -np.inf)


def keep_top_a(logits: Logits, a: float) -> Logits:
    """Tokens with ``p_i >= a * max(p)**2``, and the best one; 0 keeps all.

    RWKV-LM's "top-a" by BlinkDL, 2022, as KoboldCPP has it.
    """
    if a <= 0:
        return logits
    shares = probabilities(logits)
    limit = min(a * shares.max() ** 2, shares.max())
    return np.where(shares >= limit, logits, -np.inf)


def keep_typical(logits: Logits, p: float) -> Logits:
    """The tokens whose surprise is nearest to what is expected, until their probability exceeds ``p``; 1 keeps all.

    Sort by ``|-ln p_i - H|``, where ``H = -sum(p ln p)``, and keep up to the token at which the sum exceeds ``p``.
    The best token may be dropped. Meister et al., "Locally Typical Sampling", 2022.
    """
    if p >= 1:
        return logits
    order = ranking(logits)
    surprise = -log_probabilities(logits)[order]
    nearest = order[np.argsort(np.abs(surprise - entropy(logits)), kind="stable")]
    exceeded = np.cumsum(probabilities(logits)[nearest]) > p
    num_kept = int(np.argmax(exceeded)) + 1 if exceeded.any() else len(nearest)
    return keep(logits, nearest[:num_kept])


def keep_tail_free(logits: Logits, z: float) -> Logits:
    """The tokens before the probabilities flatten out; 1 keeps all, as do fewer than three candidates.

    Of the sorted probabilities take ``d_i = p_i - p_(i+1)`` and ``c_i = |d_i - d_(i+1)|``, these divided by their
    sum, or all equal where that is at most 1e-6. Keep the first ``i >= 1`` tokens, where ``i`` is the first index from
    1 on with ``c_0 + ... + c_i > z``. Phénix and Egan, "Tail Free Sampling", 2019, as KoboldCPP has it.
    """
    if z >= 1 or count(logits) < 3:
        return logits
    order = ranking(logits)
    bends = np.abs(np.diff(probabilities(logits)[order], 2))
    total = bends.sum()
    weights = bends / total if total > 1e-6 else np.full(len(bends), 1 / len(bends))
    exceeded = np.flatnonzero(np.cumsum(weights)[1:] > z)
    return keep(logits, order[: exceeded[0] + 1]) if len(exceeded) else logits


def keep_top_n_sigma(logits: Logits, n: float) -> Logits:
    """Tokens at most ``n`` standard deviations below the best one: ``l >= max(l) - n * sigma``; 0 keeps all.

    ``sigma`` is the population standard deviation of the logits of all candidates. Tang et al., "Top-n-sigma: Not All
    Logits Are You Need", 2024.
    """
    if n <= 0:
        return logits
    sigma = float(np.std(logits[logits > -np.inf]))
    return np.where(logits >= logits.max() - n * sigma, logits, -np.inf)
