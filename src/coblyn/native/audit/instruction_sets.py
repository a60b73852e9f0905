"""Finds instruction sets that binaries use but this CPU lacks.

Code that is present need not run: libraries contain several versions of their fast parts and choose one when they
are loaded. Code that queries the CPU (CPUID, identification registers), and libraries that are variants for ggml to
choose from, may contain any instructions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from coblyn.native.audit.inside import cpu_variant
from coblyn.native.binary.binary import Format, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from coblyn.native.audit.host import Host
    from coblyn.native.binary.binary import Binary

__all__ = ["Foreign", "foreign_instructions"]

# Fewer may be constants between functions that look like instructions.
_LEAST = 16
# This many are not constants.
_MANY = 200

# What can be known about a CPU; where the system does not report a set, its absence proves nothing.
_TELLS = {
    "linux": frozenset(
        {
            *("ssse3", "sse4_1", "sse4_2", "popcnt", "movbe", "avx", "f16c", "fma", "bmi1", "bmi2"),
            *("avx2", "avx_vnni", "avx512f", "avx512cd", "avx512vl", "avx512bw", "avx512dq"),
            *("avx512ifma", "avx512vbmi", "avx512_vbmi2", "avx512_vnni", "avx512_bitalg"),
            *("avx512_vpopcntdq", "avx512_bf16", "avx512_fp16", "gfni", "vaes", "vpclmulqdq"),
            *("amx_tile", "amx_int8", "amx_bf16", "amx_fp16"),
            *("asimddp", "asimdhp", "i8mm", "bf16", "sve", "sme"),
        }
    ),
    "macos": frozenset(
        {"avx", "f16c", "fma", "avx2", "avx512f", "asimddp", "asimdhp", "i8mm", "bf16", "sme"}
    ),
}
_RESOLVERS = (".resolver", ".ifunc")
# What compilers and programs use to query a CPU where the code itself has no instruction for it.
_ASKS = frozenset(
    {
        *("__cpu_model", "__cpu_indicator_init", "__cpu_features2", "__cpuid", "getauxval"),
        *("IsProcessorFeaturePresent", "_sysctlbyname", "sysctlbyname", "__aarch64_cpu_features"),
        *("___cpu_model", "_getauxval", "__isa_available"),
    }
)


@dataclass(frozen=True, slots=True)
class Foreign:
    """A binary with instructions that this CPU lacks.

    Attributes:
        binary: The binary.
        sets: Names of the sets, as Linux writes them.
        count: Number of instructions of the first of these sets.
        is_guarded: Whether the code may choose at run time, so that the instructions may be harmless.
    """

    binary: Binary
    sets: tuple[str, ...]
    count: int
    is_guarded: bool

    @property
    def text(self) -> str:
        """The finding, as a phrase that follows the binary's name."""
        return f"has {self.count} instructions of {self.sets[0]}, which this CPU does not have"

    @property
    def is_fatal(self) -> bool:
        """Whether such an instruction is certain to run: there are many, and nothing chooses at run time."""
        return not self.is_guarded and self.count >= _MANY


def foreign_instructions(host: Host, binaries: Iterable[Binary]) -> tuple[Foreign, ...]:
    """The binaries for this machine's system and architecture that use instruction sets its CPU lacks.

    Args:
        host: The machine; without its features, nothing is known and nothing is found.
        binaries: Any binaries.
    """
    tells = _TELLS.get(host.os, frozenset())
    found = []
    for each in binaries:
        if each.code is None or each.arch != host.arch or not host.features:
            continue
        if each.platform != host.os and each.format is not Format.COFF:
            continue
        sets = [
            used
            for used in each.code.instruction_sets
            if used.count >= _LEAST and used.name in tells and used.name not in host.features
        ]
        if sets:
            most = sorted(sets, key=lambda used: -used.count)
            names = tuple(used.name for used in most)
            found.append(Foreign(each, names, most[0].count, _is_guarded(each)))
    return tuple(found)


def _is_guarded(binary: Binary) -> bool:
    if cpu_variant(binary) or (binary.code and binary.code.asks_cpu):
        return True
    names = {symbol.name for symbol in binary.symbols}
    if names & _ASKS or any(name.endswith(_RESOLVERS) for name in names):
        return True
    # One object of many: the code that decides may be in another object.
    return binary.kind is Kind.OBJECT
