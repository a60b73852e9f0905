"""Instruction sets that a machine may lack: NEON under qemu, AVX-VNNI and AVX-512 through SIMDe's functions."""

from __future__ import annotations

import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from coblyn.native.bundle import Bundle
from coblyn.native.prepare import shim_dir
from native.kernels.test_products import num_checks, run

pytestmark = [pytest.mark.native, pytest.mark.slow]

SOURCES = Path(__file__).parent
SIMDE = Path("/usr/include/simde/x86/avx512.h")
COMMON = ("-std=c++17", "-O2", "-fno-trapping-math", "-fno-math-errno", "-w")
# As in the accelerator's CMakeLists.txt.
NEON = {
    "neon_dot": ("-march=armv8.2-a+dotprod+fp16",),
    "neon_i8mm": ("-march=armv8.2-a+dotprod+fp16+i8mm",),
}
WITHOUT_FLAGS = ("portable", "cpu", "avx2", "avx_vnni", "avx512_vnni", "avx512_bf16")
AVX2 = ("-mavx2", "-mfma", "-mf16c", "-mbmi2")
EMULATED = ("avx512_bf16", "avx512_vnni", "avx_vnni")  # those first that take longest to compile


def compile_all(compiler: str, folder: Path, flags: dict[str, tuple[str, ...]]) -> list[Path]:
    """Objects of the accelerator's files of these names, two at a time."""
    kernels = shim_dir() / "kernels"

    def compile_one(name: str) -> Path:
        to = folder / f"{name}.o"
        command = [compiler, *COMMON, *flags[name], "-I", kernels, "-c", kernels / f"{name}.cpp"]
        subprocess.run([*command, "-o", to], check=True)
        return to

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(compile_one, flags))


@pytest.mark.skipif(
    not (shutil.which("aarch64-linux-gnu-g++") and shutil.which("qemu-aarch64")),
    reason="needs a compiler for 64-bit ARM, and qemu-user",
)
def test_arm_agrees_with_the_portable_code(tmp_path: Path) -> None:
    compiler = "aarch64-linux-gnu-g++"
    objects = compile_all(compiler, tmp_path, NEON | dict.fromkeys(WITHOUT_FLAGS, ()))
    program = tmp_path / "agreement"
    source = SOURCES / "agreement.cpp"
    command = [compiler, *COMMON, "-static", "-I", shim_dir() / "kernels", source, *objects]
    subprocess.run([*command, "-o", program], check=True)
    output = run(Path("qemu-aarch64"), "-cpu", "max", str(program))
    assert {"NEON i8mm", "NEON dot product"} <= set(output.splitlines())
    assert num_checks(output) > 300


@pytest.fixture(scope="module")
def wide_objects(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The wide instruction sets, compiled for this machine; that takes a minute."""
    if not SIMDE.exists() or not shutil.which("g++"):
        pytest.skip("needs SIMDe and g++")
    folder = tmp_path_factory.mktemp("wide")
    # Emulated, only their numbers are of interest: GCC needs two thirds of the time, programs a tenth more.
    emulated = ("-O1", *AVX2, "-include", str(SOURCES / "emulated.h"))
    return compile_all("g++", folder, dict.fromkeys(EMULATED, emulated) | {"portable": ()})


@pytest.mark.parametrize("program", ["products", "attentions"])
def test_wide_vectors_are_as_exact_as_ggmls(
    tmp_path: Path, pinned_tree: Path, bundle: Bundle, wide_objects: list[Path], program: str
) -> None:
    libraries = [bundle.lib_dir / f"lib{name}.so" for name in ("ggml", "ggml-base", "ggml-cpu")]
    command = ["g++", *COMMON, "-DCOBLYN_TEST_EMULATED", "-I", shim_dir() / "kernels"]
    command += ["-isystem", pinned_tree / "ggml" / "include", SOURCES / f"{program}.cpp"]
    command += wide_objects
    command += [*libraries, f"-Wl,-rpath,{bundle.lib_dir}", "-o", tmp_path / program]
    subprocess.run(command, check=True)
    assert num_checks(run(tmp_path / program)) > 500
