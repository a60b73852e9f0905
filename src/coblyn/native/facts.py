"""Facts about a machine, with source and reason, and the conversion of raw text to facts.

Everything here is pure; `coblyn.native.probe` gathers the raw text. Does not know the consequences
of a fact.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = [
    "COMPILER_PATHS",
    "Fact",
    "Facts",
    "accelerated_features",
    "arm_mac_features",
    "cpu_flags",
    "first_version",
    "gfx_target",
    "is_at_least",
    "physical_cores",
    "vulkan_version",
]

COMPILER_PATHS = ("CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "LIBRARY_PATH", "INCLUDE", "LIB")
"""Variables that some systems need to make a compiler work at all; facts "env.CPATH" and so on."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact.

    Attributes:
        name: Name of the fact, such as "cuda.compiler".
        value: The value that was found; empty if absent.
        source: Where the fact was looked for or found.
        reason: What the value means or why it is empty, if that needs an explanation.
    """

    name: str
    value: str
    source: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """All facts about a machine, in the order in which they were found."""

    items: tuple[Fact, ...] = ()

    @classmethod
    def of(cls, **values: str) -> Facts:
        """Make facts from bare values; ``__`` in a name means a dot."""
        return cls(tuple(Fact(name.replace("__", "."), value) for name, value in values.items()))

    def __iter__(self) -> Iterator[Fact]:
        return iter(self.items)

    def __getitem__(self, name: str) -> str:
        """Value of a fact; empty if absent or not looked for."""
        return next((fact.value for fact in self.items if fact.name == name), "")

    def number(self, name: str, default: int = 0) -> int:
        """Value of a fact as a whole number."""
        value = self[name]
        return int(value) if value.isdecimal() else default

    def words(self, name: str) -> tuple[str, ...]:
        """Value of a fact as words, split at whitespace; none if the fact is unknown."""
        return tuple(self[name].split())

    def with_facts(self, more: Iterable[Fact]) -> Facts:
        """These facts, with those of ``more`` added or replaced."""
        added = tuple(more)
        names = {fact.name for fact in added}
        return Facts((*(fact for fact in self.items if fact.name not in names), *added))


# Instruction sets that affect the speed of inference, ordered by age, as the kernel
# writes them and as people do. x86 names are those of Linux; ARM's are the hwcaps.
_SPEEDS_UP = {
    "sse4_2": "SSE4.2",
    "avx": "AVX",
    "f16c": "F16C",
    "fma": "FMA",
    "avx2": "AVX2",
    "avx_vnni": "AVX-VNNI",
    "avx512f": "AVX-512",
    "avx512_vnni": "AVX-512 VNNI",
    "avx512_bf16": "AVX-512 BF16",
    "amx_int8": "AMX INT8",
    "amx_bf16": "AMX BF16",
    "asimd": "NEON",
    "asimddp": "DOTPROD",
    "asimdhp": "FP16",
    "i8mm": "I8MM",
    "bf16": "BF16",
    "sve": "SVE",
    "sve2": "SVE2",
    "sme": "SME",
}


# Sets that a compiler can use. The kernel's list contains much else, which grows with the
# kernel.
_INSTRUCTION_SET = re.compile(
    r"(?:sse|ssse3|avx|amx|fma|f16c|bmi|abm|popcnt|movbe|gfni|v?aes|v?pclmul|sha|adx|fp|asimd|sve|sme|i8mm|bf16"
    r"|crc32|atomics|neon|vfp|lsx|lasx|vector)"
)


def cpu_flags(cpuinfo: str) -> tuple[str, ...]:
    """Instruction-set flags of the first processor in the text of ``/proc/cpuinfo``, sorted."""
    found = re.search(r"^(?:flags|Features)\s*:\s*(.*)$", cpuinfo, re.MULTILINE)
    flags = found.group(1).split() if found else []
    return tuple(sorted({flag for flag in flags if _INSTRUCTION_SET.match(flag)}))


def arm_mac_features(sysctl: str) -> tuple[str, ...]:
    """Flags from ``sysctl hw.optional`` of an Apple processor, in the names of Linux, sorted.

    Apple writes ``hw.optional.arm.FEAT_DotProd: 1``.
    """
    names = {
        "FEAT_DotProd": "asimddp",
        "FEAT_FP16": "asimdhp",
        "FEAT_I8MM": "i8mm",
        "FEAT_BF16": "bf16",
        "FEAT_SME": "sme",
        "AdvSIMD": "asimd",
        "avx1_0": "avx",
        "avx2_0": "avx2",
        "avx512f": "avx512f",
        "f16c": "f16c",
        "fma": "fma",
        "sse4_2": "sse4_2",
    }
    found = re.findall(r"^hw\.optional\.(?:arm\.)?(\w+): 1$", sysctl, re.MULTILINE)
    return tuple(sorted({names[name] for name in found if name in names}))


def accelerated_features(flags: Iterable[str]) -> tuple[str, ...]:
    """The flags that speed up inference, as people write them, oldest first."""
    there = set(flags)
    return tuple(name for flag, name in _SPEEDS_UP.items() if flag in there)


def physical_cores(cpuinfo: str) -> int:
    """Distinct (socket, core) pairs in the text of ``/proc/cpuinfo``; 0 if it does not say."""
    sockets = re.findall(r"^physical id\s*:\s*(\d+)", cpuinfo, re.MULTILINE)
    cores = re.findall(r"^core id\s*:\s*(\d+)", cpuinfo, re.MULTILINE)
    return len(set(zip(sockets, cores, strict=False)))


def first_version(text: str) -> str:
    """The first dotted number in a text, such as "3.25.1"; empty if there is none."""
    found = re.search(r"\d+(?:\.\d+)+", text)
    return found.group() if found else ""


def is_at_least(version: str, wanted: str) -> bool:
    """Whether a dotted version is ``wanted`` or newer; an empty one never is."""
    return bool(version) and _numbers(version) >= _numbers(wanted)


def gfx_target(version: int) -> str:
    """Name of an AMD GPU's instruction set from the kernel's ``gfx_target_version``.

    The kernel writes major * 10000 + minor * 100 + step; the name has minor and step as hex digits,
    so that 90010 is gfx90a. 0 is a CPU and gives an empty string.
    """
    if version <= 0:
        return ""
    major, rest = divmod(version, 10000)
    minor, step = divmod(rest, 100)
    return f"gfx{major}{minor:x}{step:x}"


def vulkan_version(header: str) -> str:
    """Version of Vulkan's headers, such as "1.3.239", from the text of ``vulkan_core.h``."""
    patch = re.search(r"define VK_HEADER_VERSION (\d+)", header)
    rest = re.search(r"VK_HEADER_VERSION_COMPLETE VK_MAKE_API_VERSION\(0, (\d+), (\d+),", header)
    return f"{rest[1]}.{rest[2]}.{patch[1]}" if patch and rest else ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))
