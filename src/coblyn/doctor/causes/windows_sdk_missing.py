"""Microsoft's compiler does not find its own headers."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

_OWN = (
    r"(?:stdio|stdlib|string|math|float|stddef|stdint|stdbool|assert|limits|windows|corecrt|"
    r"crtdbg|io|basetsd|winsock2|errno|time|ctype)\.h|"
    r"algorithm|vector|cstdio|cstddef|cstdint|string|iostream|type_traits|atomic|memory"
)

CAUSE = log_cause(
    "windows-sdk-missing",
    "Microsoft's compiler does not find its own headers",
    sign(
        r"fatal error C1083: Cannot open include file: ['\"](?P<name>" + _OWN + r")['\"]",
        "{name} belongs to the compiler or the Windows SDK, and INCLUDE does not lead there.",
        package="msvc",
    ),
    sign(
        r"fatal error RC\d+: cannot open include file '(?P<name>winres\.h|windows\.h)'|RC Pass "
        r"1: command \"rc [^\n]{0,300} failed",
        "The resource compiler of the Windows SDK is not there.",
        package="msvc",
    ),
    looks_like="fatal error C1083: Cannot open include file: 'stdio.h': No such file or directory",
    explanation="cl.exe was started outside of a developer prompt, or Visual Studio was "
    "installed without the Windows SDK.",
    fix="Build in the “x64 Native Tools Command Prompt”, in a fresh build directory; if it says the same there, add "
    "the Windows SDK in the Visual Studio Installer.",
    links=("https://github.com/abetlen/llama-cpp-python/issues/40",),
    explains=(
        "cmake-compiler-broken",
        "pip-build-failed",
        "header-missing",
        "system-headers-missing",
    ),
)
