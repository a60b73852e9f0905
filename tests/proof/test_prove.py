"""The proof on the real bundle: on the CPU, and on a second device that works, lies, dies or is left idle."""

from __future__ import annotations

import faulthandler
import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from coblyn.engine.config import EngineConfig
from coblyn.errors import ModelUnsupported
from coblyn.llama.model import Model
from coblyn.native.bundle import Bundle
from coblyn.progress import Progress
from coblyn.proof.machine import Machine
from coblyn.proof.prove import prove
from coblyn.proof.prover import Prover
from coblyn.proof.verdict import State
from remote_device import distorted, remote_device

pytestmark = pytest.mark.native

CPU_ONLY = Machine(is_known=True, bundle="cpu")


@pytest.fixture(scope="module")
def config(bundle: Bundle, starter_model: Path) -> EngineConfig:
    return EngineConfig(str(starter_model), str(bundle.lib_dir), bundle.id)


def test_cpu(config: EngineConfig) -> None:
    seen: list[Progress] = []
    proof = prove(config, CPU_ONLY, report=seen.append)
    measured = proof.measured
    assert proof.verdict.state is State.NONE
    assert "as it should be" in proof.verdict.text
    assert {"CPU"} <= set(measured.backends)
    assert dict(measured.features)["CPU"]
    (cpu,) = measured.devices
    assert cpu.memory_total > 0
    assert [product.kind for product in cpu.products] == ["f32", "f16", "q8_0", "q4_0"]
    assert all(product.gflops > 0 for product in cpu.products)
    # The bound of each type: the last bits of a float, of a half, and of activations in eight bits.
    bounds = (1e-5, 1e-3, 1e-2, 1e-2)
    for product, bound in zip(cpu.products, bounds, strict=True):
        assert 0 < product.error < bound, product
    assert measured.generation
    assert measured.reference
    assert measured.comparison
    assert measured.generation.placement.on_devices == 0
    assert measured.generation.placement.num_layers == measured.num_layers + 1
    assert measured.comparison.same == measured.comparison.positions >= 2
    assert measured.comparison.divergence < 0.01
    assert [report.done for report in seen] == [*sorted(report.done for report in seen[:-1]), 1]
    told = json.loads(json.dumps(proof.to_json(), allow_nan=False))
    assert told["verdict"]["state"] == "none"
    assert told["devices"][0]["products"][3]["kind"] == "q4_0"


def test_without_a_model(config: EngineConfig) -> None:
    proof = prove(replace(config, model=""), CPU_ONLY)
    assert proof.verdict.state is State.NONE
    assert proof.verdict.text.startswith("A model would run on the CPU.")
    assert proof.measured.generation is None
    assert len(proof.measured.devices[0].products) == 4


def test_a_model_that_is_broken(config: EngineConfig, tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + b"\xff" * 100)
    proof = prove(replace(config, model=str(broken)), CPU_ONLY)
    assert proof.verdict.state is State.FAILED
    assert proof.verdict.cause == "model"
    assert str(broken) in proof.verdict.reason


def test_a_model_that_needs_an_encoder(
    config: EngineConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused as the engine refuses it; computing with it would look like a crash of the device."""
    monkeypatch.setattr(Model, "has_decoder_only", False)
    try:
        with pytest.raises(ModelUnsupported, match="encoder"):
            Prover(config, [], 60).run()
    finally:
        faulthandler.cancel_dump_traceback_later()


def test_a_bundle_that_is_gone(config: EngineConfig, tmp_path: Path) -> None:
    proof = prove(replace(config, library=str(tmp_path)), CPU_ONLY)
    assert proof.verdict.state is State.FAILED
    assert proof.verdict.cause == "engine"
    assert "coblyn build" in proof.verdict.fix


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot stop a process and let it live")
def test_a_device_that_hangs(config: EngineConfig) -> None:
    with remote_device(Path(config.library)) as (endpoint, process):

        def stop(report: Progress) -> None:
            if report.detail == "q8_0 product on RPC0":
                process.send_signal(signal.SIGSTOP)

        proof = prove(config, CPU_ONLY, remotes=[endpoint], report=stop, stage_seconds=5)
    assert proof.verdict.state is State.CRASHED
    assert "hung" in proof.verdict.reason
    assert proof.measured.failure
    assert proof.measured.failure.stage == "q8_0 product on RPC0"
    assert proof.measured.seconds < 60


def test_second_device(config: EngineConfig) -> None:
    with remote_device(Path(config.library)) as (endpoint, _):
        proof = prove(config, CPU_ONLY, remotes=[endpoint])
    measured = proof.measured
    assert [each.device.name for each in measured.devices] == ["RPC0", "CPU"]
    assert all(len(each.products) == 4 and each.is_right for each in measured.devices)
    assert measured.generation
    assert measured.reference
    assert measured.comparison
    placement = measured.generation.placement
    assert placement.accelerated_by == ("RPC0",)
    assert placement.on_devices == placement.num_layers
    assert placement.shares[0].weights > placement.shares[1].weights // 2
    # The reference really is the CPU, although the other device is there.
    assert measured.reference.placement.on_devices == 0
    assert [share.device for share in measured.reference.placement.shares] == ["CPU"]
    assert measured.comparison.is_right
    # A device behind a network may well be slower than the CPU that it is.
    assert proof.verdict.state in (State.OK, State.SLOW)
    assert "RPC0" in proof.verdict.text


@pytest.mark.parametrize(("gpu_layers", "state"), [(0, State.NOT_USED), (7, State.PARTLY)])
def test_layers_that_the_settings_keep_on_the_cpu(
    config: EngineConfig, gpu_layers: int, state: State
) -> None:
    with remote_device(Path(config.library)) as (endpoint, _):
        proof = prove(replace(config, gpu_layers=gpu_layers), CPU_ONLY, remotes=[endpoint])
    assert proof.measured.generation
    assert proof.measured.generation.placement.on_devices == gpu_layers
    assert (proof.verdict.state, proof.verdict.cause) == (state, "settings")
    assert f"gpu_layers is {gpu_layers}" in proof.verdict.reason
    assert "--gpu-layers -1" in proof.verdict.fix


def test_a_device_that_lies(config: EngineConfig) -> None:
    with remote_device(Path(config.library)) as (endpoint, _), distorted(endpoint) as between:
        proof = prove(config, CPU_ONLY, remotes=[between])
    assert (proof.verdict.state, proof.verdict.cause) == (State.WRONG, "numbers")
    assert "RPC0" in proof.verdict.text
    assert not proof.measured.devices[0].is_right
    assert proof.measured.devices[1].is_right
    json.dumps(proof.to_json(), allow_nan=False)


@pytest.mark.parametrize("stage", ["f16 product on RPC0", "generation on RPC0"])
def test_a_device_that_dies(config: EngineConfig, stage: str) -> None:
    with remote_device(Path(config.library)) as (endpoint, process):

        def kill(report: Progress) -> None:
            if report.detail == stage:
                process.kill()

        proof = prove(config, CPU_ONLY, remotes=[endpoint], report=kill)
    failure = proof.measured.failure
    assert (proof.verdict.state, proof.verdict.cause) == (State.CRASHED, "crash")
    assert failure
    assert failure.stage == stage
    assert failure.log, "the last words are kept"
    assert "--gpu-layers 0" in proof.verdict.fix
