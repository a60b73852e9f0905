from __future__ import annotations

import numpy as np
import pytest

from coblyn.proof.prover import compare


def test_comparison() -> None:
    random = np.random.default_rng(1)
    logits = [random.normal(0, 3, 500).astype(np.float32) for _ in range(4)]
    same = compare(logits, logits)
    assert (same.positions, same.same, same.divergence) == (4, 4, pytest.approx(0, abs=1e-9))
    # What is added to all logits changes no probability.
    shifted = compare(logits, [each + 5 for each in logits])
    assert shifted.error < 1e-5
    assert shifted.is_right
    # Only positions that both have are compared.
    assert compare(logits, logits[:2]).positions == 2
    other = compare(logits, [-each for each in logits])
    assert other.same == 0
    assert not other.is_right
    broken = [np.full_like(logits[0], np.nan), *logits[1:]]
    assert not compare(broken, logits).is_right
