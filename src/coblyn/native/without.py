"""Makes a build leave out instruction sets: from names to arguments of CMake. Pure.

ggml decides by the macros that the compiler defines: flags that remove a set come after its own (our CMakeLists.txt
puts them there), and checks that it makes on this machine are answered for it. A portable build makes all variants and
drops some.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.errors import SettingsError
from coblyn.native.sets import (
    KERNELS,
    group_of,
    groups,
    present,
    variants_with,
    with_dependents,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from coblyn.native.facts import Facts

__all__ = ["FORGET", "checked_names", "without_args"]

FORGET = (
    "-UCOBLYN_LEFT_OUT_*",
    "-UGGML_MACHINE_SUPPORTS_*",
    "-UHAS_AVX*",
    "-UHAS_FMA*",
    "-UAVX*_FOUND",
    "-UFMA_FOUND",
)
"""Arguments by which CMake forgets the settings of a build directory's last plan."""

# Checks for Microsoft's compiler: ggml compiles a test program, once without and once with a flag.
_MSVC_CHECKS = {
    "AVX512": ("avx512",),
    "AVX2": ("avx2", "bmi2", "f16c"),
    "FMA": ("fma",),
    "AVX": ("avx",),
}
_ARM_CHECKS = ("sme", "sve", "i8mm", "dotprod")
_ARM_FLAGS = {
    "bf16": ("-U__ARM_FEATURE_BF16", "-U__ARM_FEATURE_BF16_VECTOR_ARITHMETIC"),
    "fp16": ("-U__ARM_FEATURE_FP16_VECTOR_ARITHMETIC",),
}


def checked_names(arch: str, names: Iterable[str], *, portable: bool) -> frozenset[str]:
    """Convert names of sets or groups (and of ggml's variants, in a portable build) to groups and variants.

    Raises:
        SettingsError: There is none of that name.
    """
    return frozenset(_checked(arch, name, portable=portable) for name in names)


def _checked(arch: str, name: str, *, portable: bool) -> str:
    group = group_of(arch, name)
    if group:
        return group.name
    if portable and name in variants_with(arch, (name,)):
        return name
    known = ", ".join(group.name for group in groups(arch)) or "none"
    raise SettingsError(
        f'"{name}" is not an instruction set that a build can do without.',
        hint=f"Known here: {known}",
    )


def without_args(
    facts: Facts, family: str, ggml: Collection[str], ours: Collection[str], *, portable: bool
) -> tuple[str, ...]:
    """Arguments for CMake; none if nothing is left out.

    Args:
        facts: Facts about this machine.
        family: Compiler family, as in `Toolchain.family`.
        ggml: Groups that ggml's code leaves out.
        ours: Groups that our own kernels leave out.
        portable: Whether ggml makes all variants of its code.
    """
    arch = facts["arch"]
    gone = with_dependents(arch, () if portable else ggml)
    kernels = _left_out_kernels(facts, ours, portable=portable)
    flags = () if family == "msvc" else _flags(arch, gone)
    told = {"FLAGS": flags, "KERNELS": kernels}
    return (
        *(f"-DCOBLYN_LEFT_OUT_{name}={';'.join(each)}" for name, each in told.items() if each),
        *_answers(arch, family, gone),
    )


def _left_out_kernels(facts: Facts, ours: Collection[str], *, portable: bool) -> list[str]:
    """The groups of this architecture that are not wanted, or that this processor could not run."""
    arch = facts["arch"]
    all_groups = {group.name for group in groups(arch)}
    # Other systems do not report all sets that a processor has.
    features = facts.words("cpu.features") if facts["os"] == "linux" and not portable else ()
    left = {group.name for group in present(arch, features)} - with_dependents(arch, ours)
    return [
        name for name, uses in KERNELS.items() if set(uses) <= all_groups and not set(uses) <= left
    ]


def _flags(arch: str, gone: Collection[str]) -> tuple[str, ...]:
    """Flags for GCC and Clang, newest set first; a compiler that does not know a set has no code for it either."""
    there = [group for group in groups(arch) if group.name in gone]
    if arch == "arm64":
        return tuple(flag for group in there for flag in _ARM_FLAGS.get(group.name, ()))
    return tuple(f"-mno-{_spelled(name)}" for group in there for name in group.features)


def _spelled(feature: str) -> str:
    """A set as compilers write it: Linux's avx512_vnni is avx512vnni, and amx_int8 is amx-int8."""
    return feature.replace("_", "-" if feature.startswith("amx") else "")


def _answers(arch: str, family: str, gone: Collection[str]) -> tuple[str, ...]:
    """The results that ggml would get by running a program on this machine."""
    if arch == "arm64":
        return tuple(f"-DGGML_MACHINE_SUPPORTS_{name}=OFF" for name in _ARM_CHECKS if name in gone)
    if family != "msvc":
        return ()
    names = [name for name, uses in _MSVC_CHECKS.items() if not set(uses).isdisjoint(gone)]
    return tuple(
        f"-D{variable}=OFF"
        for name in names
        for variable in (f"HAS_{name}_1", f"HAS_{name}_2", f"{name}_FOUND")
    )
