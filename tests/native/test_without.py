"""What compilers and ggml make of being told to do without a set: real compilers, and the pinned tree's own list."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from coblyn.native.sets import group_of, groups, variants, variants_with, with_dependents
from coblyn.native.without import without_args
from native import machines as m

ARCH = "x86-64"
# What GCC and Clang define for a set, by the group that it is in; ggml's code is chosen by these.
MACROS = {
    "amx": ("__AMX_TILE__", "__AMX_INT8__", "__AMX_BF16__", "__AMXINT8__", "__AMXTILE__"),
    "avx512_bf16": ("__AVX512BF16__", "__AVX512FP16__"),
    "avx512_vnni": ("__AVX512VNNI__",),
    "avx512_vbmi": ("__AVX512VBMI__", "__AVX512VBMI2__", "__AVX512BITALG__"),
    "avx512": ("__AVX512F__", "__AVX512BW__", "__AVX512VL__", "__AVX512DQ__"),
    "avx_vnni": ("__AVXVNNI__",),
    "avx2": ("__AVX2__",),
    "bmi2": ("__BMI2__",),
    "fma": ("__FMA__",),
    "f16c": ("__F16C__",),
    "avx": ("__AVX__",),
}


def flags_without(name: str) -> tuple[str, ...]:
    (arg, *_) = without_args(m.LINUX, "gcc", {name}, (), portable=False)
    return tuple(arg.partition("=")[2].split(";"))


@cache
def knows(compiler: str, flag: str) -> bool:
    command = [compiler, flag, "-fsyntax-only", "-x", "c++", "/dev/null"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def defined(compiler: str, *flags: str) -> set[str]:
    command = [compiler, "-march=sapphirerapids", *flags, "-dM", "-E", "-x", "c++", "/dev/null"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"{compiler} is too old for this processor")
    return set(done.stdout.split())


@pytest.mark.skipif(
    platform.system() != "Linux" or platform.machine() != "x86_64",
    reason="needs compilers for x86-64",
)
@pytest.mark.parametrize("compiler", ["g++", "clang++"])
@pytest.mark.parametrize("name", MACROS)
def test_a_compiler_forgets_the_set_and_nothing_else(compiler: str, name: str) -> None:
    if not shutil.which(compiler):
        pytest.skip(f"needs {compiler}")
    before = defined(compiler)
    flags = [flag for flag in flags_without(name) if knows(compiler, flag)]
    gone = with_dependents(ARCH, {name})
    left = defined(compiler, *flags)
    for group, macros in MACROS.items():
        there = {macro for macro in macros if macro in before}
        assert there, f"{compiler} has none of {macros}"
        assert there & left == (set() if group in gone else there), group


def test_every_group_is_tried() -> None:
    assert set(MACROS) == {group.name for group in groups(ARCH)}


_WORDS = {
    "AVX512_BF16": "avx512_bf16",
    "AVX512_VNNI": "avx512_vnni",
    "AVX512_VBMI": "avx512_vbmi",
    "AMX_TILE": "amx",
    "AMX_INT8": "amx",
    "FP16_VECTOR_ARITHMETIC": "fp16",
    "MATMUL_INT8": "i8mm",
    "SVE2": "sve",
}


@pytest.mark.native
def test_the_variants_are_those_of_the_pinned_tree(pinned_tree: Path) -> None:
    text = (pinned_tree / "ggml" / "src" / "CMakeLists.txt").read_text("utf-8")
    found = dict(re.findall(r"ggml_add_cpu_backend_variant\(([\w.]+)\s*([\w ]*)\)", text))
    for arch in (ARCH, "arm64"):
        for name in variants(arch):
            words = [_WORDS.get(word, word.lower()) for word in found[name].split()]
            uses = {group.name for word in words if (group := group_of(arch, word))}
            for group in groups(arch):
                is_dropped = name in variants_with(arch, {group.name})
                assert is_dropped == bool(uses & with_dependents(arch, {group.name})), (name, group)
    other = r"power|z1[56]|riscv|android"
    known = {*variants(ARCH), *variants("arm64")}
    assert {name for name in found if not re.match(other, name)} == known
