"""What a dying process said of itself: the signal, and the instruction that raised it.

The shim's signal handler (``native/shim/crash.cpp``) writes one line to standard error; the parent process reads it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["PREFIX", "Crash", "read_crash"]

PREFIX = "coblyn-crash "
"""How the line begins."""

_LINE = re.compile(
    r"signal=(?P<signal>\w+) address=0x(?P<address>[0-9a-f]+) offset=(?P<offset>-1|0x[0-9a-f]+)"
    r" code=(?P<code>[0-9a-f]*) library=(?P<library>.*)"
)


@dataclass(frozen=True, slots=True)
class Crash:
    """The end of a process.

    Attributes:
        signal: Name of the signal, "SIGILL", or of the Windows exception, "EXCEPTION_ILLEGAL_INSTRUCTION".
        address: The instruction's address in the process.
        offset: The instruction's distance from the start of the library's image in memory; -1 if no library is there.
        code: Up to 16 bytes from the instruction on; empty if they cannot be read.
        library: Path of the library that holds the instruction; empty if there is none.
    """

    signal: str
    address: int = 0
    offset: int = -1
    code: bytes = b""
    library: str = ""


def read_crash(line: str) -> Crash | None:
    """Read the line that the shim's handler wrote; None if this is another line, or a damaged one.

    The form is ``coblyn-crash signal=SIGILL address=0x7f00 offset=0x1000 code=c5fd6fc1 library=/path/lib.so``.
    """
    found = _LINE.fullmatch(line.strip().removeprefix(PREFIX)) if PREFIX in line[:64] else None
    if found is None or len(found["code"]) % 2:
        return None
    return Crash(
        found["signal"],
        int(found["address"], 16),
        int(found["offset"], 16) if found["offset"] != "-1" else -1,
        bytes.fromhex(found["code"]),
        found["library"],
    )
