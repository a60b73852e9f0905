"""What an accelerator computes, on machines that have one and an engine that drives it; skipped elsewhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from coblyn import Engine
from coblyn.engine.config import EngineConfig
from coblyn.native.bundle import Bundle
from coblyn.proof.evidence import Proof
from coblyn.proof.machine import UNKNOWN
from coblyn.proof.prove import prove
from coblyn.proof.verdict import State

pytestmark = [pytest.mark.gpu, pytest.mark.native]

# Half precision on the device, and activations rounded to eight bits on the CPU: nats of a token's log-probability.
TOLERANCE = 0.15
STORY = "The old miner put down his lamp and listened. Far below, somebody was knocking:"


@pytest.fixture(scope="module")
def config(bundle: Bundle, starter_model: Path) -> EngineConfig:
    return EngineConfig(str(starter_model), str(bundle.lib_dir), bundle.id, context=2048)


@pytest.fixture(scope="module")
def proof(config: EngineConfig) -> Proof:
    """What the device computed; a machine without one skips the test."""
    made = prove(config, UNKNOWN)
    if not any(each.device.is_accelerator for each in made.measured.devices):
        pytest.skip(f"no accelerator that the engine {config.bundle} drives")
    return made


def test_every_product_of_every_device_is_right(proof: Proof) -> None:
    assert proof.measured.failure is None
    for each in proof.measured.devices:
        assert each.is_right, each
        assert {product.kind for product in each.products} == {"f32", "f16", "q8_0", "q4_0"}


def test_all_layers_are_on_the_device(proof: Proof) -> None:
    assert proof.measured.generation
    placement = proof.measured.generation.placement
    assert placement.accelerated_by
    assert placement.on_devices == placement.num_layers
    # A tiny model may well be slower on a large device than on the CPU; anything else is a fault.
    assert proof.verdict.state in (State.OK, State.SLOW)


def test_the_device_writes_what_the_cpu_writes(proof: Proof) -> None:
    comparison = proof.measured.comparison
    assert comparison
    assert comparison.is_right
    assert comparison.same >= 0.9 * comparison.positions


@pytest.mark.parametrize("length", [1, 40], ids=["short", "longer than a step"])
def test_the_engine_gives_the_probabilities_of_the_cpu(
    config: EngineConfig, proof: Proof, length: int
) -> None:
    on_device, on_cpu = (
        _written(config, STORY * length, gpu_layers=layers) for layers in (config.gpu_layers, 0)
    )
    same = 0
    for (token, mine), (other, reference) in zip(on_device, on_cpu, strict=True):
        assert abs(mine - reference) < TOLERANCE or token != other
        if token != other:
            break  # near a tie; what follows is another text
        same += 1
    assert same >= 4


def test_many_requests_at_once_write_as_one_alone(config: EngineConfig, proof: Proof) -> None:
    with Engine.open(config) as engine:
        alone = engine.generate(STORY, max_tokens=8, temperature=0.0, seed=1).text
        streams = [engine.stream(STORY, max_tokens=8, temperature=0.0, seed=1) for _ in range(8)]
        texts = ["".join(delta.text for delta in each) for each in streams]
    assert all(text[:8] == alone[:8] for text in texts), (alone, texts)


def _written(config: EngineConfig, prompt: str, *, gpu_layers: int) -> list[tuple[int, float]]:
    """Eight tokens and their log-probabilities, the likeliest at each step."""
    with Engine.open(replace(config, gpu_layers=gpu_layers)) as engine:
        done = engine.generate(prompt, max_tokens=8, temperature=0.0, logprobs=1)
    return [(token.token, token.logprob or 0.0) for token in done.tokens]
