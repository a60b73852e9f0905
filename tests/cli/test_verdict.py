"""What the command line knows of the machine, and how it says what is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import patient
from coblyn.cli.verdict import look, machine_of, show
from coblyn.native.bundle import Bundle
from coblyn.native.facts import Facts
from coblyn.native.receipt import Receipt
from coblyn.proof.machine import UNKNOWN
from coblyn.proof.verdict import State, Verdict
from native.machines import AMD, LINUX, NVIDIA, VULKAN

RECEIPT = Receipt(
    id="cpu-1",
    backend="cpu",
    portable=False,
    asked={"backend": "auto", "cmake_args": []},
    accelerates="",
    created="",
    seconds=1.0,
    llama_version="0.5.0",
    llama_commit="",
    source="",
    compiler="",
    tools={},
    platform={"cpu.features": "avx avx2"},
    cmake_args=(),
    inputs={},
    reasons=(),
    notes=(),
)


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        (LINUX, ()),
        (NVIDIA, (("cuda", True),)),
        (AMD, (("hip", True),)),
        (VULKAN, (("vulkan", True),)),
        (NVIDIA.with_facts(Facts.of(cuda__compiler="")), (("cuda", False),)),
        (NVIDIA.with_facts(VULKAN), (("cuda", True), ("vulkan", True))),
    ],
)
def test_accelerators(facts: Facts, found: tuple[tuple[str, bool], ...]) -> None:
    machine = machine_of(facts, RECEIPT, {})
    assert tuple((each.backend, each.can_build) for each in machine.accelerators) == found
    assert all(each.reason for each in machine.accelerators)
    assert all(each.hint for each in machine.accelerators if not each.can_build)
    assert machine.is_known
    assert machine.bundle == "cpu"
    assert machine.built_flags == ("avx", "avx2")
    assert "fma" in machine.cpu_flags


@pytest.mark.parametrize(
    ("backend", "environ", "hidden"),
    [
        ("cuda", {"CUDA_VISIBLE_DEVICES": ""}, ("CUDA_VISIBLE_DEVICES",)),
        ("cuda", {"HIP_VISIBLE_DEVICES": "0"}, ()),
        ("hip", {"ROCR_VISIBLE_DEVICES": "7"}, ("ROCR_VISIBLE_DEVICES",)),
        ("cpu", {"CUDA_VISIBLE_DEVICES": ""}, ()),
    ],
)
def test_what_hides_devices(backend: str, environ: dict[str, str], hidden: tuple[str, ...]) -> None:
    assert machine_of(NVIDIA, replace(RECEIPT, backend=backend), environ).hidden_by == hidden


def test_the_scripted_engine_needs_no_machine() -> None:
    assert look("") is UNKNOWN


def test_a_fault_is_shown_with_its_way_out(capsys: pytest.CaptureFixture[str]) -> None:
    show(Verdict(State.NOT_USED, "The CPU does it.", "bundle", "It was built so.", "coblyn build"))
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "error: The CPU does it. It was built so.\n  fix: coblyn build\n"


def test_names_of_devices_do_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    show(Verdict(State.NOT_USED, "The CPU does it.", "driver", "GPU\x1b[2J is not used.", "Wait."))
    show(Verdict(State.NONE, "The CPU does it.", "driver", "GPU\x1b[2J may be there."))
    text = capsys.readouterr().err
    assert "\x1b" not in text
    assert text.count("GPU\\x1b[2J") == 2


def test_what_is_well_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    show(Verdict(State.OK, "All layers run on CUDA0."))
    assert capsys.readouterr() == ("", "")
    show(Verdict(State.NONE, "The CPU does it.", "bundle", "A GPU may be there.", "Install it."))
    assert capsys.readouterr().err == "note: A GPU may be there. Install it.\n"


@pytest.fixture
def environment(
    bundle: Bundle, tmp_path: Path, users_environment: dict[str, str]
) -> dict[str, str]:
    """The engine in use, in a home whose other files are its own."""
    cache = tmp_path / "home" / "cache"
    cache.mkdir(parents=True)
    # Bundles, and where they were proved already.
    for name in ("bundles", "proofs"):
        (cache / name).symlink_to(bundle.path.parents[1] / name, target_is_directory=True)
    return users_environment | {"COBLYN_HOME": str(tmp_path / "home")}


@pytest.fixture
def with_gpu(environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """A machine whose NVIDIA driver tells of a GPU that the engine in use was not built for."""
    programs = tmp_path / "programs"
    programs.mkdir()
    smi = programs / "nvidia-smi"
    smi.write_text("#!/bin/sh\necho 'NVIDIA GeForce RTX 3060, 8.6, 550.54'\n")
    smi.chmod(0o755)
    return environment | {"PATH": f"{programs}{os.pathsep}{environment['PATH']}"}


@pytest.mark.native
@pytest.mark.skipif(os.name == "nt", reason="a script stands for a driver's program")
def test_serve_says_that_an_accelerator_is_not_used(
    with_gpu: dict[str, str], starter_model: Path, bundle: Bundle
) -> None:
    if bundle.receipt.backend != "cpu":
        pytest.skip("the engine in use has an accelerator")
    command = [sys.executable, "-m", "coblyn", "serve", str(starter_model), "--port", "0"]
    command += ["--context", "256"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=with_gpu) as process:
        assert process.stdout
        assert process.stderr
        greeting = process.stdout.readline()
        try:
            error, fix = process.stderr.readline(), process.stderr.readline()
            url = next(word for word in greeting.split() if word.startswith("http://"))
            health = patient.get(f"{url}/health").json()
        finally:
            process.terminate()
            process.communicate(timeout=20)
    assert "(CPU" in greeting
    assert error.startswith("error: All 31 layers run on the CPU.")
    assert "NVIDIA GeForce RTX 3060" in error
    assert fix.startswith("  fix: ")
    assert health["verdict"]["state"] == "not used"
    assert health["verdict"]["fix"] in fix
    assert health["accelerated_by"] == []


@pytest.mark.native
def test_bench_carries_the_verdict(environment: dict[str, str], starter_model: Path) -> None:
    size = ["--prompt", "64", "--generate", "16", "--streams", "1", "--repeats", "1"]
    command = [sys.executable, "-m", "coblyn", "bench", str(starter_model), *size]
    told = subprocess.run(
        [*command, "--json"], capture_output=True, text=True, env=environment, check=True
    )
    verdict = json.loads(told.stdout)["verdict"]
    assert verdict["text"]
    assert verdict["is_fault"] is (verdict["state"] not in ("ok", "none"))
    table = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert verdict["text"] in table.stdout
