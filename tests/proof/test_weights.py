from __future__ import annotations

import numpy as np
import pytest

from coblyn.proof.weights import FORMS, make_weights

SIZES = {"f32": 4 * 256, "f16": 2 * 256, "q8_0": 8 * 34, "q4_0": 8 * 18, "q6_k": 210, "tq1_0": 54}


@pytest.mark.parametrize("kind", FORMS)
def test_weights(kind: str) -> None:
    weights = make_weights(kind, 8, 512, seed=1)
    assert len(weights.data) == 8 * 512 // FORMS[kind].size * FORMS[kind].block.itemsize
    assert make_weights(kind, 8, 512, seed=1).data == weights.data
    assert make_weights(kind, 8, 512, seed=2).data != weights.data
    if weights.values is not None:
        assert weights.values.shape == (8, 512)
        assert 0.005 < weights.values.std() < 0.1


@pytest.mark.parametrize("kind", SIZES)
def test_size_of_a_block(kind: str) -> None:
    assert len(make_weights(kind, 1, 256, seed=1).data) == SIZES[kind]


def test_the_first_block_by_hand() -> None:
    weights = make_weights("q4_0", 1, 32, seed=3)
    scale = float(np.frombuffer(weights.data[:2], "<f2")[0])
    first, last = weights.data[2], weights.data[17]
    row = weights.values[0]
    assert row[0] == scale * ((first & 15) - 8)
    assert row[16] == scale * ((first >> 4) - 8)
    assert row[15] == scale * ((last & 15) - 8)
    assert row[31] == scale * ((last >> 4) - 8)
    weights = make_weights("q8_0", 1, 32, seed=3)
    scale = float(np.frombuffer(weights.data[:2], "<f2")[0])
    assert weights.values[0, 31] == scale * int.from_bytes(weights.data[33:34], signed=True)
