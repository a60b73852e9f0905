"""A MinGW that does not know what Windows has had for years."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

_WINDOWS = r"_WIN32|mingw|MinGW|windows|Windows|msys|\.obj\b|[A-Z]:[\\/]"

CAUSE = log_cause(
    "mingw-too-old",
    "MinGW is too old, or set to an old Windows",
    sign(
        r"'(?P<name>PrefetchVirtualMemory|P?WIN32_MEMORY_RANGE_ENTRY|CREATEFILE2_EXTENDED_PARAMETERS|CreateFile2"
        r"|THREAD_POWER_THROTTLING_\w+|CreateFileMappingFromApp|GetThreadDescription|SetThreadDescription"
        r"|ThreadPowerThrottling|PROCESSOR_NUMBER|ENABLE_VIRTUAL_TERMINAL_PROCESSING)' (?:was not declared"
        r"|undeclared|has not been declared|does not name a type)",
        "{name} came with Windows 8 or later, and MinGW's headers hide it or lack it.",
    ),
    sign(
        r"error: unknown type name '(?P<name>THREAD_POWER_THROTTLING_STATE|"
        r"WIN32_MEMORY_RANGE_ENTRY)'",
        "{name} came with Windows 8 or later, and MinGW's headers hide it or lack it.",
    ),
    sign(
        r"cpp-httplib doesn't support Windows 8 or lower",
        "cpp-httplib asks for Windows 10, and the build is for an older one.",
    ),
    sign(
        r"fatal error: (?P<name>intrin\.h|d3d12\.h|processthreadsapi\.h): No such file or directory",
        "MinGW has no {name}.",
        also=_WINDOWS,
    ),
    sign(
        r"error loading model: PrefetchVirtualMemory unavailable",
        "The program was built for a Windows before 8.",
    ),
    sign(
        r"MinGW\.org GCC[^\n]{0,60}",
        "This is the MinGW of mingw.org, which ended in 2013.",
        also=r"\berror:",
        sure=Confidence.MEDIUM,
    ),
    looks_like="error: 'PrefetchVirtualMemory' was not declared in this scope; fatal error: "
    "intrin.h: No such file or directory",
    explanation="The MinGW of mingw.org (32 bits, gcc 6.3) is long dead; and even a current one sets _WIN32_WINNT "
    "to Windows 7 unless told otherwise.",
    fix="Use a current mingw-w64 (w64devkit, or MSYS2's UCRT64) or Visual Studio, and a release of llama.cpp that "
    "sets GGML_WIN_VER; else add -DCMAKE_CXX_FLAGS=-D_WIN32_WINNT=0x0A00.",
    links=(
        "https://github.com/ggml-org/llama.cpp/issues/9311",
        "https://github.com/ggml-org/llama.cpp/issues/11542",
        "https://github.com/ggml-org/llama.cpp/issues/871",
        "https://github.com/abetlen/llama-cpp-python/issues/1740",
    ),
    explains=(
        "pip-build-failed",
        "header-missing",
    ),
)
