from __future__ import annotations

import numpy as np
import pytest

from coblyn.proof.error import MAX_ERROR, divergence, normalised_error, product_error


def test_error() -> None:
    reference = np.array([3.0, 4.0])
    assert normalised_error(np.array([3.0, 4.0], np.float32), reference) == 0
    assert normalised_error(np.array([3.0, 4.5], np.float32), reference) == pytest.approx(0.1)
    assert normalised_error(np.array([3.0, np.nan], np.float32), reference) == float("inf")
    assert normalised_error(np.array([0.0], np.float32), np.array([0.0])) == 0


def test_a_single_wrong_number_among_thousands_is_seen() -> None:
    reference = np.random.default_rng(1).standard_normal((512, 64))
    result = reference.astype(np.float32)
    assert product_error(result, reference) < 1e-6
    result[500, 63] += 1
    assert normalised_error(result, reference) < MAX_ERROR
    assert product_error(result, reference) > MAX_ERROR


def test_rounding_is_no_error() -> None:
    random = np.random.default_rng(1)
    reference = random.standard_normal((512, 64))
    result = (reference + 0.005 * random.standard_normal((512, 64))).astype(np.float32)
    assert product_error(result, reference) == pytest.approx(0.005, rel=0.1)


def test_divergence() -> None:
    logits = np.random.default_rng(1).normal(0, 3, 500).astype(np.float32)
    assert divergence(logits, logits + 5) == pytest.approx(0, abs=1e-6)
    assert divergence(logits, -logits) > 1
    assert np.isnan(divergence(np.full_like(logits, np.nan), logits))
