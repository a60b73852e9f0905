"""A compiler is there, and can not build CMake's test program."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "cmake-compiler-broken",
    "The compiler can not build even a test program",
    sign(
        r'The (?P<language>C|CXX|CUDA|HIP) compiler "(?P<path>[^"\n]{1,200})" is not able to compile a simple test '
        r"program",
        "CMake tried {path} on the smallest program, and it failed.",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"Compiling the (?P<language>CUDA|HIP|C|CXX) compiler identification source file "
        r"[^\n]{0,80}failed",
        "The {language} compiler fails on the file by which CMake finds out what it is.",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"The (?P<language>CUDA|HIP) compiler identification is unknown",
        "CMake finds the {language} compiler, and it fails on the file by which CMake finds out what it is.",
        also=r"CMake Error",
        sure=Confidence.MEDIUM,
    ),
    looks_like="The C compiler … is not able to compile a simple test program.",
    explanation="The reason is in the lines under “It fails with the following output”: a missing linker, library "
    "or SDK, flags in CFLAGS or LDFLAGS that the compiler does not know, or no room on the disk.",
    fix="Read the first error below “It fails with the following output”, put that right, and configure in a fresh "
    "build directory. If CFLAGS, CXXFLAGS or LDFLAGS are set, try without them.",
    links=(
        "https://github.com/ggml-org/llama.cpp/issues/11498",
        "https://github.com/ggml-org/llama.cpp/issues/22886",
    ),
    explains=("pip-build-failed",),
)
