"""A compiler that gave up by a fault of its own."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "compiler-crash",
    "The compiler crashed",
    sign(
        r"internal compiler error: (?!Killed)(?P<what>[^\n]{1,160})",
        "The compiler gave up: {what}",
    ),
    sign(
        r"PLEASE (?:submit a bug report|ATTACH THE FOLLOWING FILES)",
        "clang crashed and asks for a bug report.",
        unless=r"Killed|signal 9|out of memory|-ld_classic",
    ),
    sign(
        r"clang(?:\+\+)?(?:-\d+)?: error: (?:unable to execute command: (?:Segmentation fault|Abort|Illegal)|clang "
        r"frontend command failed (?:with exit code|due to signal))",
        "clang crashed.",
    ),
    sign(
        r"fatal error: error in backend: (?P<what>[^\n]{1,160})",
        "clang gave up while it wrote the code: {what}",
    ),
    sign(
        r"fatal error C1001: (?:An internal error has occurred|[^\n]{0,40}[Ii]nternal compiler "
        r"error)",
        "Microsoft's compiler gave up.",
    ),
    sign(
        r"signal 11 \(SIGSEGV\)[^\n]{0,80}cc1(?:plus)?|Segmentation fault signal terminated "
        r"program "
        r"(?P<what>cc1(?:plus)?|as|ld)",
        "A part of the compiler crashed.",
        sure=Confidence.MEDIUM,
    ),
    looks_like="internal compiler error: in ...; fatal error: error in backend: Cannot select",
    explanation="The source can not be at fault for that: this release of the compiler has a bug that it meets, or, "
    "if it happens at another file each time, the machine's memory or its cooling is.",
    fix="Use another release of the compiler (CC and CXX, in a fresh build directory); if one file does it, that "
    "file with -O1, or the feature that it belongs to switched off. Where it moves from file to file, test the "
    "memory.",
    links=(
        "https://github.com/LostRuins/koboldcpp/issues/1620",
        "https://github.com/ggml-org/llama.cpp/issues/9851",
    ),
    explains=("pip-build-failed",),
)
