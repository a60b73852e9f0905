"""Instruction sets in x86-64 code, by disassembling it with iced-x86."""

from __future__ import annotations

from collections import Counter
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from coblyn.native.binary.binary import Code, Instruction, InstructionSet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["look_at_x86", "x86_instruction"]

# Sets that a compiler uses when told that the CPU has them; names of iced-x86 (CpuidFeature) and of Linux. SSE2 and
# older sets are part of x86-64.
_SETS = {
    "SSSE3": "ssse3",
    "SSE4_1": "sse4_1",
    "SSE4_2": "sse4_2",
    "POPCNT": "popcnt",
    "MOVBE": "movbe",
    "AVX": "avx",
    "F16C": "f16c",
    "FMA": "fma",
    "FMA4": "fma4",
    "XOP": "xop",
    "BMI1": "bmi1",
    "BMI2": "bmi2",
    "AVX2": "avx2",
    "AVX_VNNI": "avx_vnni",
    "AVX_VNNI_INT8": "avx_vnni_int8",
    "AVX_IFMA": "avx_ifma",
    "AVX512F": "avx512f",
    "AVX512CD": "avx512cd",
    "AVX512VL": "avx512vl",
    "AVX512BW": "avx512bw",
    "AVX512DQ": "avx512dq",
    "AVX512_IFMA": "avx512ifma",
    "AVX512_VBMI": "avx512vbmi",
    "AVX512_VBMI2": "avx512_vbmi2",
    "AVX512_VNNI": "avx512_vnni",
    "AVX512_BITALG": "avx512_bitalg",
    "AVX512_VPOPCNTDQ": "avx512_vpopcntdq",
    "AVX512_BF16": "avx512_bf16",
    "AVX512_FP16": "avx512_fp16",
    "AMX_TILE": "amx_tile",
    "AMX_INT8": "amx_int8",
    "AMX_BF16": "amx_bf16",
    "AMX_FP16": "amx_fp16",
    "GFNI": "gfni",
    "VAES": "vaes",
    "VPCLMULQDQ": "vpclmulqdq",
}


# Older CPUs run it as BSF, which compilers rely on: it is in code for any CPU.
_HARMLESS = ("TZCNT_R16_RM16", "TZCNT_R32_RM32", "TZCNT_R64_RM64")


def look_at_x86(parts: Sequence[memoryview], limit: int) -> Code | None:
    """Count the instructions of each set in some sections of code.

    Args:
        parts: The bytes of each section.
        limit: Maximum number of bytes to examine in all.

    Returns:
        None if iced-x86 is not installed: it is available for x86-64 machines only.
    """
    try:
        import iced_x86
    except ImportError:
        return None
    codes: Counter[Any] = Counter()
    room = limit
    for part in parts:
        decoder = iced_x86.Decoder(64, bytes(part[:room]))
        codes.update(map(attrgetter("code"), decoder))
        room -= min(room, len(part))
    for name in _HARMLESS:
        codes.pop(getattr(iced_x86.Code, name), None)
    return Code(
        _sets(codes, _feature_names(iced_x86), iced_x86.Instruction),
        asks_cpu=bool(codes[iced_x86.Code.CPUID]),
        is_whole=sum(map(len, parts)) <= limit,
    )


def x86_instruction(code: bytes) -> Instruction:
    """The first instruction in some bytes.

    Args:
        code: 16 bytes from the instruction on, or as many as can be read.

    Returns:
        The text is empty if the bytes are not an instruction, or iced-x86 is not installed.
    """
    try:
        import iced_x86
    except ImportError:
        return Instruction()
    instruction = iced_x86.Decoder(64, code).decode()
    if instruction.is_invalid:
        return Instruction()
    names = _feature_names(iced_x86)
    sets = tuple(names[each] for each in instruction.cpuid_features() if each in names)
    formatter = iced_x86.Formatter(iced_x86.FormatterSyntax.INTEL)
    # AVX512VL only narrows the others: the set listed with it says more.
    return Instruction(formatter.format(instruction), tuple(sorted(sets, key=_is_wide)))


def _is_wide(name: str) -> bool:
    return name in ("avx512f", "avx512vl")


def _feature_names(iced_x86: Any) -> dict[int, str]:
    """Linux's name of a set by the disassembler's number."""
    features = vars(iced_x86.CpuidFeature)
    return {features[theirs]: name for theirs, name in _SETS.items() if theirs in features}


def _sets(
    codes: Mapping[int, int], names: Mapping[int, str], make: Any
) -> tuple[InstructionSet, ...]:
    counts: Counter[str] = Counter()
    instruction = make()
    for code, count in codes.items():
        instruction.code = code
        for feature in instruction.cpuid_features():
            if feature in names:
                counts[names[feature]] += count
    return tuple(InstructionSet(name, counts[name]) for name in sorted(counts))
