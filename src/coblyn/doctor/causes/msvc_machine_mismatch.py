"""Objects of two machines in one link, with Microsoft's tools."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "msvc-machine-mismatch",
    "32 and 64 bits, or x64 and ARM64, are mixed in one link",
    sign(
        r"LNK1112: module machine type ['\"](?P<one>\w+)['\"] conflicts with target machine type "
        r"['\"](?P<other>\w+)['\"]",
        "An object is for {one}, and the program is for {other}.",
    ),
    sign(
        r"LNK4272: library machine type ['\"](?P<one>\w+)['\"] conflicts with target machine "
        r"type ['\"](?P<other>\w+)['\"]",
        "A library is for {one}, and the program is for {other}.",
        also=r"LNK2001|LNK2019|LNK1120",
    ),
    sign(
        r"OSError: \[WinError 193\]",
        "A library for another machine type was loaded: %1 is not a valid Win32 application.",
        sure=Confidence.MEDIUM,
    ),
    sign(r"fatal error LNK1112\b", "The linker was given objects for different machines."),
    looks_like="fatal error LNK1112: module machine type 'x64' conflicts with target machine "
    "type 'x86'",
    explanation="The plain “Developer Command Prompt” gives the 32-bit compiler; Python, CUDA "
    "and libraries are for x64.",
    fix="Build in the “x64 Native Tools Command Prompt” (ARM64: its own), with -A x64, in a "
    "fresh build directory.",
    links=(
        "https://github.com/SuperElastix/SimpleElastix/issues/345",
        "https://github.com/NVIDIAGameWorks/rtx-remix/issues/83",
    ),
    explains=(
        "undefined-symbol",
        "wrong-architecture",
        "pip-build-failed",
    ),
)
