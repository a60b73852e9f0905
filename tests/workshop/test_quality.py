from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from coblyn.workshop.quality import Comparison


def logits(*rows: tuple[float, ...]) -> NDArray[np.float32]:
    """Logits of given probabilities; a constant added to all changes nothing."""
    return np.log(np.array(rows, np.float32)) + 7


def test_known_distributions_give_known_figures() -> None:
    comparison = Comparison()
    comparison.add(logits((0.5, 0.25, 0.25)), logits((0.25, 0.5, 0.25)), np.array([0]))
    comparison.add(logits((0.8, 0.1, 0.1)), logits((0.8, 0.1, 0.1)), np.array([1]))
    quality = comparison.quality()
    assert quality.num_tokens == 2
    assert quality.perplexity == pytest.approx(math.sqrt(2 * 10), rel=1e-5)
    assert quality.other_perplexity == pytest.approx(math.sqrt(4 * 10), rel=1e-5)
    assert quality.ratio == pytest.approx(math.sqrt(2), rel=1e-5)
    # 0.5 ln 2 + 0.25 ln 0.5, and nothing from the second token.
    assert quality.divergence == pytest.approx(0.25 * math.log(2) / 2, rel=1e-5)
    assert quality.max_divergence == pytest.approx(0.25 * math.log(2), rel=1e-5)
    assert quality.same_choice == 0.5
    assert quality.probability_error == pytest.approx(math.sqrt(0.25**2 / 2), rel=1e-5)


def test_the_same_model_is_no_distance_away() -> None:
    comparison = Comparison()
    rows = np.random.default_rng(1).normal(0, 30, (20, 50)).astype(np.float32)
    comparison.add(rows, rows, np.arange(20))
    quality = comparison.quality()
    assert quality.divergence == quality.probability_error == quality.ratio_error == 0
    assert quality.ratio == quality.same_choice == 1
