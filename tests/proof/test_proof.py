"""The proof on the real bundle: it passes, and what is broken on purpose does not."""

from __future__ import annotations

import dataclasses
import platform
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import lief
import numpy as np
import pytest

from coblyn.llama.library import Library, open_library
from coblyn.llama.loaded import cpu_variant
from coblyn.llama.operation import OpenDevice
from coblyn.native.bundle import Bundle
from coblyn.native.fault import FaultKind
from coblyn.progress import silent
from coblyn.proof.bundle import prove_bundle
from coblyn.proof.ground import Ground, Wrong
from coblyn.proof.products import activations, decoded, make_cases, prove_products
from coblyn.proof.weights import FORMS, make_weights
from remote_device import distorted, remote_device

pytestmark = pytest.mark.native


@pytest.fixture(scope="module")
def library(bundle: Bundle) -> Library:
    return open_library(bundle.lib_dir)


def test_the_bundle_passes(bundle: Bundle, record_property: Callable[[str, object], None]) -> None:
    started = time.monotonic()
    assert prove_bundle(bundle.lib_dir, silent) is None
    record_property("seconds", time.monotonic() - started)


def test_weights_mean_the_same_to_the_library(library: Library) -> None:
    with OpenDevice(library, "CPU") as cpu:
        for kind, form in FORMS.items():
            weights = make_weights(kind, 35, 768, seed=9)
            if form.decode and kind != "f32":
                found = decoded(cpu, kind, weights.data)
                assert weights.values is not None
                assert np.allclose(found, weights.values, rtol=1e-6, atol=1e-7), kind


def test_each_type_is_judged(library: Library) -> None:
    vectors = activations()
    stages: list[str] = []
    ground = Ground(library, [1], stages.append)
    with OpenDevice(library, "CPU") as cpu:
        for case in make_cases(cpu, vectors):
            assert prove_products(ground, cpu, [case], vectors) >= 7, case.kind
            wrong = case.reference.copy()
            wrong[0, 3] += 0.5 * np.sqrt(np.mean(np.square(wrong)))
            with pytest.raises(Wrong, match="The numbers are off by"):
                prove_products(ground, cpu, [dataclasses.replace(case, reference=wrong)], vectors)
            assert stages[-1] == f"product of {case.kind}, 1 row, 1 thread"
    assert ground.num_checked > 2 * 7 * len(FORMS) - 7 * len(FORMS)


def test_a_second_device_is_proved_too(bundle: Bundle) -> None:
    stages: list[str] = []
    with remote_device(bundle.lib_dir) as (endpoint, _):
        fault = prove_bundle(
            bundle.lib_dir, lambda progress: stages.append(progress.detail), remotes=[endpoint]
        )
    assert fault is None
    assert "product of q4_k, 512 rows, RPC0, 1 thread" in stages
    assert "attention over q8_0, 8 tokens, heads of 64, RPC0, 1 thread" in stages
    assert [name for name in stages if name.startswith("text of a dense model, RPC0")]


def test_a_device_that_computes_wrongly_is_found(bundle: Bundle) -> None:
    with remote_device(bundle.lib_dir) as (endpoint, _), distorted(endpoint) as between:
        fault = prove_bundle(bundle.lib_dir, silent, remotes=[between])
    assert fault is not None
    assert fault.kind is FaultKind.WRONG
    assert "RPC0" in fault.stage


def test_the_library_in_use_is_known(bundle: Bundle, library: Library) -> None:
    assert (bundle.lib_dir / cpu_variant(library)).is_file()


CODE = {"ud2": b"\x0f\x0b", "ret": b"\xc3"}


def broken(bundle: Bundle, folder: Path, function: str, code: bytes) -> Path:
    """A copy of a bundle in which a function begins otherwise."""
    lib_dir = folder / "lib"
    shutil.copytree(bundle.lib_dir, lib_dir)
    path = lib_dir / "libggml-cpu.so"
    binary = lief.ELF.parse(str(path))
    assert binary is not None
    symbol = binary.get_dynamic_symbol(function)
    assert symbol is not None
    offset = binary.virtual_address_to_offset(symbol.value)
    data = bytearray(path.read_bytes())
    data[offset : offset + len(code)] = code
    path.write_bytes(data)
    return lib_dir


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or platform.machine() != "x86_64",
    reason="patches code of Linux on x86-64",
)
@pytest.mark.parametrize(
    ("function", "code", "kind", "stage"),
    [
        ("ggml_vec_dot_q5_1_q8_1", "ud2", FaultKind.CRASH, "product of q5_1, 1 row"),
        ("ggml_vec_dot_q5_1_q8_1", "ret", FaultKind.WRONG, "product of q5_1, 1 row"),
        ("ggml_compute_forward_flash_attn_ext", "ret", FaultKind.WRONG, "attention over f32"),
        ("ggml_compute_forward_ssm_scan", "ret", FaultKind.WRONG, "text of a recurrent model"),
    ],
)
def test_what_is_broken_on_purpose_is_found(
    bundle: Bundle, tmp_path: Path, function: str, code: str, kind: FaultKind, stage: str
) -> None:
    if not (bundle.lib_dir / "libggml-cpu.so").is_file():
        pytest.skip("a portable bundle has several libraries for the CPU")
    fault = prove_bundle(broken(bundle, tmp_path, function, CODE[code]), silent)
    assert fault is not None
    assert fault.kind is kind
    assert fault.stage.startswith(stage)
    assert fault.variant == "libggml-cpu.so"
    if kind is FaultKind.CRASH:
        assert fault.crash is not None
        assert fault.crash.signal == "SIGILL"
        assert fault.crash.code.startswith(b"\x0f\x0b")
        assert fault.crash.library.endswith("libggml-cpu.so")
