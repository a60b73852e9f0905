"""Instruction sets in 64-bit ARM code: every instruction has four bytes, and a mask identifies it.

Encodings: "Arm Architecture Reference Manual for A-profile architecture" (DDI 0487), chapter C4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.native.binary.binary import Code, Instruction, InstructionSet

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["arm64_instruction", "look_at_arm64"]

# Mask and value. Of SVE and SME, only instructions whose encoding leaves little room for chance: constants between
# functions would be mistaken for others.
_SETS: dict[str, tuple[tuple[int, int], ...]] = {
    "asimddp": (
        (0x9FE0FC00, 0x0E809400),  # SDOT, UDOT (vector)
        (0x9FC0F400, 0x0F80E000),  # SDOT, UDOT (by element)
    ),
    "asimdhp": (
        (0x9F60C400, 0x0E400400),  # three vectors of half precision
        (0xBFC0F400, 0x0F001000),  # FMLA (by element, half precision)
    ),
    "i8mm": (
        (0xDFE0FC00, 0x4E80A400),  # SMMLA, UMMLA
        (0xFFE0FC00, 0x4E80AC00),  # USMMLA
        (0xBFE0FC00, 0x0E809C00),  # USDOT (vector)
    ),
    "bf16": (
        (0xBFE0FC00, 0x2E40FC00),  # BFDOT (vector)
        (0xFFE0FC00, 0x6E40EC00),  # BFMMLA
        (0xBFE0FC00, 0x2EC0FC00),  # BFMLALB, BFMLALT
        (0xBFFFFC00, 0x0EA16800),  # BFCVTN
        (0xFFFFFC00, 0x1E634000),  # BFCVT
    ),
    "sve": (
        (0xFF3FFC10, 0x2518E000),  # PTRUE
        (0xFF20FC10, 0x25200C00),  # WHILELO
        (0xFF3FFC00, 0x0420E000),  # CNTB, CNTH, CNTW, CNTD
    ),
    "sme": (
        (0xFFFFF8FF, 0xD503407F),  # SMSTART, SMSTOP
        (0xFFE00010, 0xA0800000),  # SMOPA
        (0xFFE0001C, 0x80800000),  # FMOPA
    ),
}

# MRS of an identification register, which reports the CPU's features.
_ASKS = (0xFFFFF000, 0xD5380000)


def look_at_arm64(parts: Sequence[memoryview], limit: int) -> Code:
    """Count the instructions of each set in some sections of code.

    Args:
        parts: The bytes of each section.
        limit: Maximum number of bytes to examine in all.
    """
    import numpy as np

    room = limit
    counts = dict.fromkeys(_SETS, 0)
    asks = False
    for part in parts:
        length = min(room, len(part)) & ~3
        words = np.frombuffer(bytes(part[:length]), dtype="<u4")
        for name, patterns in _SETS.items():
            for mask, value in patterns:
                counts[name] += int(np.count_nonzero((words & np.uint32(mask)) == value))
        asks = asks or bool(((words & np.uint32(_ASKS[0])) == _ASKS[1]).any())
        room -= length
    return Code(
        tuple(InstructionSet(name, count) for name, count in sorted(counts.items()) if count),
        asks_cpu=asks,
        is_whole=sum(map(len, parts)) <= limit,
    )


def arm64_instruction(code: bytes) -> Instruction:
    """The first instruction in some bytes, as a number, and its set if a mask identifies it.

    Args:
        code: The bytes from the instruction on; fewer than 4 are not an instruction.
    """
    if len(code) < 4:
        return Instruction()
    word = int.from_bytes(code[:4], "little")
    if word >> 16 == 0:  # UDF
        return Instruction(f"udf #{word}")
    sets = tuple(
        name
        for name, patterns in _SETS.items()
        if any(word & mask == value for mask, value in patterns)
    )
    return Instruction(f".inst 0x{word:08x}", sets or _encoded_set(word))


def _encoded_set(word: int) -> tuple[str, ...]:
    """SVE and SME have their own part of the encodings, C4.1: for a single instruction, that is sure enough."""
    kind = word >> 25 & 0b1111
    if kind == 0b0010:
        return ("sve",)
    return ("sme",) if kind == 0 and word >> 31 else ()
