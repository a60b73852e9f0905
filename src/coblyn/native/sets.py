"""Instruction sets that a build can leave out: their names, their dependents, and the code that uses them.

Sets that compilers and processors only ever have together form one *group* here. Values only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "KERNELS",
    "SetGroup",
    "group_of",
    "groups",
    "present",
    "variants",
    "variants_with",
    "with_dependents",
]


@dataclass(frozen=True, slots=True)
class SetGroup:
    """Instruction sets that are left out together.

    Attributes:
        name: Name in commands and receipts.
        title: Name for display.
        features: Linux's names of the sets, as in the fact "cpu.features".
        needs: Groups without which no code of this group is compiled.
    """

    name: str
    title: str
    features: tuple[str, ...]
    needs: tuple[str, ...] = ()


_X86 = (
    # ggml's code for AMX is compiled only if AVX-512 VNNI is present, too.
    SetGroup(
        "amx",
        "AMX",
        ("amx_tile", "amx_int8", "amx_bf16", "amx_fp16", "amx_complex"),
        ("avx512_vnni",),
    ),
    SetGroup("avx512_bf16", "AVX-512 BF16", ("avx512_bf16", "avx512_fp16"), ("avx512",)),
    SetGroup("avx512_vnni", "AVX-512 VNNI", ("avx512_vnni",), ("avx512",)),
    SetGroup(
        "avx512_vbmi",
        "AVX-512 VBMI",
        (
            "avx512vbmi",
            "avx512_vbmi2",
            "avx512ifma",
            "avx512_bitalg",
            "avx512_vpopcntdq",
            "avx512_vp2intersect",
        ),
        ("avx512",),
    ),
    # LLVM's AVX-512 implies FMA and F16C, so leaving out one of them removes it as well.
    SetGroup(
        "avx512",
        "AVX-512",
        ("avx512f", "avx512cd", "avx512vl", "avx512bw", "avx512dq"),
        ("avx2", "fma", "f16c"),
    ),
    SetGroup(
        "avx_vnni",
        "AVX-VNNI",
        ("avx_vnni", "avx_vnni_int8", "avx_vnni_int16", "avx_ifma", "avx_ne_convert"),
        ("avx2",),
    ),
    SetGroup("avx2", "AVX2", ("avx2",), ("avx",)),
    SetGroup("bmi2", "BMI2", ("bmi2",)),
    SetGroup("fma", "FMA", ("fma",), ("avx",)),
    SetGroup("f16c", "F16C", ("f16c",), ("avx",)),
    SetGroup("avx", "AVX", ("avx", "vaes", "vpclmulqdq", "fma4", "xop")),
)
_ARM = (
    SetGroup("sme", "SME", ("sme", "sme2")),
    SetGroup("sve", "SVE", ("sve", "sve2", "svei8mm", "svebf16")),
    SetGroup("i8mm", "I8MM", ("i8mm",), ("dotprod",)),
    SetGroup("bf16", "BF16", ("bf16",)),
    SetGroup("fp16", "FP16", ("asimdhp", "fphp")),
    SetGroup("dotprod", "DOTPROD", ("asimddp",)),
)
_GROUPS = {"x86-64": _X86, "arm64": _ARM}

_V3 = ("avx2", "fma", "f16c", "bmi2")
KERNELS: dict[str, tuple[str, ...]] = {
    "AVX2": _V3,
    "AVX_VNNI": (*_V3, "avx_vnni"),
    "AVX512_VNNI": (*_V3, "avx512", "avx512_vnni"),
    "AVX512_BF16": (*_V3, "avx512", "avx512_vnni", "avx512_bf16"),
    "AMX_INT8": (*_V3, "avx512", "avx512_vnni", "amx"),
    "NEON_DOT": ("dotprod", "fp16"),
    "NEON_I8MM": ("dotprod", "fp16", "i8mm"),
}
"""Our own kernels, by their names in the kernels' CMakeLists.txt, and the groups that each uses."""

_SKYLAKE = (*_V3, "avx", "avx512")
# As in ggml/src/CMakeLists.txt. SSE cannot be left out.
_VARIANTS: dict[str, dict[str, tuple[str, ...]]] = {
    "x86-64": {
        "x64": (),
        "sse42": (),
        "sandybridge": ("avx",),
        "ivybridge": ("avx", "f16c"),
        "piledriver": ("avx", "f16c", "fma"),
        "haswell": ("avx", *_V3),
        "skylakex": _SKYLAKE,
        "cannonlake": (*_SKYLAKE, "avx512_vbmi"),
        "cascadelake": (*_SKYLAKE, "avx512_vnni"),
        "icelake": (*_SKYLAKE, "avx512_vbmi", "avx512_vnni"),
        "cooperlake": (*_SKYLAKE, "avx512_vnni", "avx512_bf16"),
        "zen4": (*_SKYLAKE, "avx512_vbmi", "avx512_vnni", "avx512_bf16"),
        "alderlake": ("avx", *_V3, "avx_vnni"),
        "sapphirerapids": (*_SKYLAKE, "avx512_vbmi", "avx512_vnni", "avx512_bf16", "amx"),
    },
    "arm64": {
        "armv8.0_1": (),
        "armv8.2_1": ("dotprod",),
        "armv8.2_2": ("dotprod", "fp16"),
        "armv8.2_3": ("dotprod", "fp16", "sve"),
        "armv8.6_1": ("dotprod", "fp16", "sve", "i8mm"),
        "armv8.6_2": ("dotprod", "fp16", "sve", "i8mm"),
        "armv9.2_1": ("dotprod", "fp16", "sve", "i8mm", "sme"),
        "armv9.2_2": ("dotprod", "fp16", "sve", "i8mm", "sme"),
        "apple_m1": ("dotprod",),
        "apple_m2_m3": ("dotprod", "i8mm"),
        "apple_m4": ("dotprod", "i8mm", "sme"),
    },
}


def groups(arch: str) -> tuple[SetGroup, ...]:
    """The groups of an architecture, newest first; none for an unknown architecture."""
    return _GROUPS.get(arch, ())


def group_of(arch: str, name: str) -> SetGroup | None:
    """The group with that name, or the group containing the set with that name (as Linux or a group writes it)."""
    found = (group for group in groups(arch) if name in (group.name, *group.features))
    return next(found, None)


def present(arch: str, features: Iterable[str]) -> tuple[SetGroup, ...]:
    """The groups of which a processor has at least one set, newest first.

    Args:
        arch: "x86-64" or "arm64".
        features: Its flags in Linux's names. If empty, they are not known, and all groups count.
    """
    there = frozenset(features)
    return tuple(
        group for group in groups(arch) if not there or not there.isdisjoint(group.features)
    )


def with_dependents(arch: str, names: Iterable[str]) -> frozenset[str]:
    """These groups, and all groups that depend on them."""
    gone = set(names)
    # Dependents precede the groups they need.
    for group in reversed(groups(arch)):
        if not gone.isdisjoint(group.needs):
            gone.add(group.name)
    return frozenset(gone)


def features_without(arch: str, features: Iterable[str], names: Iterable[str]) -> tuple[str, ...]:
    """The flags of a processor that code without these groups may use, in the order given."""
    gone = with_dependents(arch, names)
    hidden = {name for group in groups(arch) if group.name in gone for name in group.features}
    return tuple(feature for feature in features if feature not in hidden)


def variants(arch: str) -> tuple[str, ...]:
    """The variants of ggml's CPU code that a portable build makes, oldest first."""
    return tuple(_VARIANTS.get(arch, ()))


def variants_with(arch: str, names: Iterable[str]) -> tuple[str, ...]:
    """The variants with these names, or that use one of these groups."""
    gone = with_dependents(arch, names)
    uses = _VARIANTS.get(arch, {})
    return tuple(name for name in variants(arch) if name in gone or not gone.isdisjoint(uses[name]))
