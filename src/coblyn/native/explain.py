"""Describes a crash by its instruction and instruction set."""

from __future__ import annotations

from coblyn.crash import Crash
from coblyn.native.binary.instructions import instruction_at
from coblyn.native.probe import machine_arch

__all__ = ["explain_crash"]


def explain_crash(crash: Crash) -> str:
    """Text such as "tilezero tmm0, of amx_tile"; only the bytes if they cannot be decoded, and empty without bytes."""
    if not crash.code:
        return ""
    instruction = instruction_at(machine_arch(), crash.code)
    if not instruction.text:
        return f"the bytes {crash.code.hex(' ')}"
    return f"{instruction.text}, of {instruction.sets[0]}" if instruction.sets else instruction.text
