"""A compiler that the system ended because memory ran out."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

_ONE = "cmake --build build -j 1"

CAUSE = log_cause(
    "out-of-memory",
    "The compiler ran out of memory",
    sign(
        r"Killed signal terminated program (?P<name>\w+)|internal compiler error: Killed "
        r"\(program (?P<other>\w+)\)",
        "The system killed the compiler: there was no memory left.",
        command=_ONE,
    ),
    sign(
        r"Internal error: Killed \(program (?P<name>\w+)\)",
        "The system killed {name}: there was no memory left.",
        command=_ONE,
    ),
    sign(
        r"virtual memory exhausted: Cannot allocate memory|(?:cc1(?:plus)?|as|ld)(?:\.exe)?: out "
        r"of memory"
        r"|cc1plus: error: [^\n]{0,20}out of memory",
        "The compiler got no more memory.",
        command=_ONE,
    ),
    sign(
        r"unable to execute command: Killed|clang frontend command failed due to "
        r"signal[^\n]{0,20}\n[^\n]{0,200}Killed",
        "The system killed clang: there was no memory left.",
        command=_ONE,
    ),
    sign(
        r"fatal error C1060: compiler is out of heap space|C1076|fatal error C1002: ",
        "Microsoft's compiler got no more memory.",
        command=_ONE,
    ),
    sign(
        r"^(?:#\d{1,3} [\d.]{1,9} )?[ ]{0,12}Killed$",
        "The system killed a program of the build: there was most likely no memory left.",
        command=_ONE,
        also=r"\*\*\* \[|ninja: build stopped|error: command",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"LLVM ERROR: out of memory|std::bad_alloc",
        "The compiler got no more memory.",
        command=_ONE,
        also=r"\*\*\*|ninja: build stopped|linker command failed",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"Out of memory: Killed process \d+ \((?P<name>cc1(?:plus)?|clang\S*|ld\S*|cicc|ptxas|"
        r"ninja|make)\)",
        "The system killed {name}: there was no memory left.",
        command=_ONE,
    ),
    sign(
        r"collect2(?:\.exe)?: fatal error: ld terminated with signal 9 \[Killed\]|ld terminated "
        r"with signal 9",
        "The system killed the linker: there was no memory left.",
        command=_ONE,
    ),
    sign(
        r"(?:exit code:? 137|Error 137)\b",
        "The build was killed, which is what a container does to one that takes more memory than "
        "it has.",
        command=_ONE,
        sure=Confidence.MEDIUM,
    ),
    looks_like="c++: fatal error: Killed signal terminated program cc1plus; virtual memory "
    "exhausted",
    explanation="A build runs a compiler for each processor, and each takes from several hundred MB to some GB. "
    "Where that is more than the memory (Raspberry Pi, small servers, containers, WSL), the system ends one.",
    fix="Build with fewer jobs (-j 1 or -j 2; pip: CMAKE_BUILD_PARALLEL_LEVEL=1), give the container or WSL more "
    "memory, or add swap space.",
    links=(
        "https://github.com/ztxz16/fastllm/issues/274",
        "https://github.com/ptitSeb/box64/issues/250",
        "https://github.com/apache/mxnet/issues/18869",
    ),
    explains=(
        "compiler-crash",
        "pip-build-failed",
    ),
)
