"""Finds which instruction sets beyond the base a binary's code uses.

Counts all instructions that are present: code that queries the CPU first and then chooses is counted, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.native.binary.binary import Code, Instruction

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["MAX_BYTES", "instruction_at", "look_at_code"]

MAX_BYTES = 16 * 2**20
"""Maximum number of bytes of code examined per binary; takes a second and a half at most."""


def look_at_code(arch: str, parts: Sequence[memoryview]) -> Code | None:
    """Examine the instructions in some sections of code.

    Args:
        arch: As in `Binary.arch`.
        parts: The bytes of each section of code.

    Returns:
        None if the architecture is not supported here, or (x86-64 on a machine of another kind) if the disassembler
        is not installed.
    """
    if arch == "x86-64":
        from coblyn.native.binary.x86 import look_at_x86

        return look_at_x86(parts, MAX_BYTES)
    if arch == "arm64":
        from coblyn.native.binary.arm64 import look_at_arm64

        return look_at_arm64(parts, MAX_BYTES)
    return None


def instruction_at(arch: str, code: bytes) -> Instruction:
    """The first instruction in some bytes, and the sets that it needs.

    Args:
        arch: As in `Binary.arch`, and as the fact "arch".
        code: The bytes from the instruction on, 16 if available.

    Returns:
        The text is empty if the bytes are not an instruction, or cannot be decoded here; the sets are empty for
        what every processor has, and for what none has, such as ``ud2``.
    """
    if arch == "x86-64":
        from coblyn.native.binary.x86 import x86_instruction

        return x86_instruction(code)
    if arch == "arm64":
        from coblyn.native.binary.arm64 import arm64_instruction

        return arm64_instruction(code)
    return Instruction()
