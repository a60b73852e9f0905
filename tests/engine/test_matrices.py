from __future__ import annotations

import numpy as np
import pytest

from coblyn.engine.environment import changes, engine_environment
from coblyn.engine.matrices import KINDS, make_weights, normalised_error
from coblyn.engine.prover import compare

SIZES = {"f32": 4 * 32, "f16": 2 * 32, "q8_0": 34, "q4_0": 18}


@pytest.mark.parametrize("kind", KINDS)
def test_weights(kind: str) -> None:
    weights = make_weights(kind, 8, 64, seed=1)
    assert weights.values.shape == (8, 64)
    assert len(weights.data) == 8 * 2 * SIZES[kind]
    assert make_weights(kind, 8, 64, seed=1).data == weights.data
    assert make_weights(kind, 8, 64, seed=2).data != weights.data
    assert 0.005 < weights.values.std() < 0.1


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


def test_error() -> None:
    reference = np.array([3.0, 4.0])
    assert normalised_error(np.array([3.0, 4.0], np.float32), reference) == 0
    assert normalised_error(np.array([3.0, 4.5], np.float32), reference) == pytest.approx(0.1)
    assert normalised_error(np.array([3.0, np.nan], np.float32), reference) == float("inf")
    assert normalised_error(np.array([0.0], np.float32), np.array([0.0])) == 0


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


def test_environment() -> None:
    users = {
        "GGML_CUDA_DISABLE_GRAPHS": "1",
        "LLAMA_ARG_CTX_SIZE": "7",
        "GGML_VK_VISIBLE_DEVICES": "1",
        "PATH": "/bin",
        "GLIBC_TUNABLES": "mine",
    }
    assert changes(users)["GGML_CUDA_DISABLE_GRAPHS"] is None
    assert "PATH" not in changes(users)
    made = engine_environment(users)
    assert made.keys() >= {"PATH", "GGML_VK_VISIBLE_DEVICES", "GGML_NO_BACKTRACE"}
    assert not made.keys() & {"GGML_CUDA_DISABLE_GRAPHS", "LLAMA_ARG_CTX_SIZE"}
    assert made["GLIBC_TUNABLES"] == "mine"
