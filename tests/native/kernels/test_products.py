"""The accelerator's kernels against double precision, and its threads under a sanitizer; programs in C++."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from coblyn.native.bundle import Bundle
from coblyn.native.facts import cpu_flags
from coblyn.native.prepare import shim_dir

pytestmark = [
    pytest.mark.native,
    pytest.mark.slow,
    pytest.mark.skipif(
        sys.platform == "win32" or not shutil.which("c++"), reason="needs a C++ compiler (POSIX)"
    ),
]

SOURCES = Path(__file__).parent
WIDE = ("AVX_VNNI", "AVX512_VNNI", "AVX512_BF16", "AMX_INT8")


def machine_flags() -> tuple[str, ...]:
    """Instruction sets of this machine; elsewhere than on Linux as if there were all."""
    told = Path("/proc/cpuinfo")
    return cpu_flags(told.read_text("utf-8")) if told.exists() else tuple(map(str.lower, WIDE))


def build(folder: Path, tree: Path, bundle: Bundle, sanitize: str, *targets: str) -> Path:
    settings = {
        "CMAKE_BUILD_TYPE": "Release",
        "COBLYN_LLAMA_DIR": tree,
        "COBLYN_SHIM": shim_dir(),
        "COBLYN_LIB": bundle.lib_dir,
        "COBLYN_SANITIZE": sanitize,
        "CMAKE_BUILD_RPATH": bundle.lib_dir,
    }
    # What this processor cannot run was compiled with the engine. GCC takes minutes for each of these with a
    # sanitizer; what threads do is the same in all.
    flags = () if sanitize else machine_flags()
    settings |= {f"COBLYN_CAN_{name}": "OFF" for name in WIDE if name.lower() not in flags}
    defines = [f"-D{name}={value}" for name, value in settings.items()]
    subprocess.run(["cmake", "-S", SOURCES, "-B", folder, "-G", "Ninja", *defines], check=True)
    subprocess.run(["ninja", "-C", folder, *targets], check=True)
    return folder


def run(program: Path, *arguments: str) -> str:
    done = subprocess.run(
        [program, *arguments], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def num_checks(output: str) -> int:
    """How many were made, none of which failed."""
    last = output.splitlines()[-1]
    counts = re.fullmatch(r"(\d+) checks, 0 failures", last)
    assert counts, last
    return int(counts[1])


def test_every_kernel_is_as_exact_as_ggmls(
    tmp_path: Path, pinned_tree: Path, bundle: Bundle
) -> None:
    folder = build(tmp_path, pinned_tree, bundle, "", "products", "attentions")
    assert num_checks(run(folder / "products")) > 500
    assert num_checks(run(folder / "attentions")) > 150


@pytest.mark.skipif(sys.platform != "linux", reason="the sanitizers of GCC on Linux")
def test_memory_is_touched_where_it_may_be(
    tmp_path: Path, pinned_tree: Path, bundle: Bundle
) -> None:
    folder = build(tmp_path, pinned_tree, bundle, "address,undefined", "threads", "attentions")
    assert run(folder / "threads").splitlines()[-1] == "0 failures"
    assert num_checks(run(folder / "attentions")) > 150


@pytest.mark.skipif(sys.platform != "linux", reason="the sanitizers of GCC on Linux")
def test_threads_share_nothing_unguarded(tmp_path: Path, pinned_tree: Path, bundle: Bundle) -> None:
    folder = build(tmp_path, pinned_tree, bundle, "thread", "threads")
    assert run(folder / "threads").splitlines()[-1] == "0 failures"
