"""The headers of C or C++ themselves."""

from __future__ import annotations

from coblyn.native.doctor.causes._sign import log_cause, sign

_C = (
    r"(?:stdio|stdlib|string|assert|math|errno|stdint|ctype|limits|time|unistd|fcntl|inttypes|"
    r"pthread|features"
    r"|sys/types|sys/cdefs|bits/\S{1,40}|gnu/stubs\S{0,9}|_stdio)\.h"
)
_CXX = (
    r"(?:algorithm|array|atomic|cassert|cerrno|chrono|cinttypes|climits|cmath|cstdarg|cstddef|"
    r"cstdint|cstdio|cstdlib|"
    r"cstring|ctime|deque|fstream|functional|iostream|iterator|list|map|memory|mutex|new|queue|"
    r"random|regex|"
    r"set|sstream|stdexcept|string|thread|tuple|type_traits|unordered_map|utility|vector)"
)
_MAC = r"Darwin|AppleClang|Apple clang|/Library/Developer/|\.sdk/|-framework |/opt/homebrew|macosx"

CAUSE = log_cause(
    "system-headers-missing",
    "The compiler does not find the headers of C or C++",
    sign(
        rf"fatal error: '(?P<header>{_C}|{_CXX})' file not found",
        "clang does not find {header}: the SDK of macOS is not where it looks.",
        command="sudo xcode-select --reset || xcode-select --install",
        text="Use Apple's clang (CC=/usr/bin/clang CXX=/usr/bin/clang++) and unset SDKROOT, "
        "CPATH and "
        "C_INCLUDE_PATH; if it stays, install the command line tools anew.",
        also=_MAC,
    ),
    sign(
        rf"fatal error: '(?P<header>{_CXX})' file not found",
        "clang does not find {header}: it takes the C++ library of the newest GCC that is "
        "installed, "
        "and that one has no C++ part.",
        command="sudo apt install libstdc++-$(ls /usr/lib/gcc/x86_64-linux-gnu | sort -V | tail -1)-dev",
        text="clang (ROCm's too) takes the newest directory in /usr/lib/gcc, also where only a part of that GCC is "
        "installed; install its C++ part, or name another with --gcc-install-dir. On Fedora install gcc-c++.",
        unless=_MAC,
    ),
    sign(
        rf"fatal error: '(?P<header>{_C})' file not found",
        "clang does not find {header}, a header of the C library.",
        command="sudo apt install libc6-dev",
        unless=_MAC,
    ),
    sign(
        r"fatal error: (?P<header>bits/\S{1,40}\.h|gnu/stubs-32\.h|sys/cdefs\.h|asm/\w+\.h): No "
        r"such file",
        "gcc does not find {header}, a part of the C library for another width of words than the "
        "system's.",
        command="sudo apt install gcc-multilib g++-multilib",
    ),
    sign(
        rf"fatal error: (?P<header>{_C}|{_CXX}): No such file or directory",
        "gcc does not find {header}: the compiler is there, but not the headers of the language.",
        command="sudo apt install build-essential",
    ),
    sign(
        r"error: no include path in which to search for (?P<header>std\w+\.h|limits\.h)",
        "gcc does not find {header}: the compiler is there, but not the headers of the C library.",
        package="compiler",
    ),
    looks_like="fatal error: 'stdio.h' file not found; fatal error: 'cstdint' file not found",
    explanation="A compiler alone compiles nothing: the headers of C come with the system's SDK "
    "(macOS) or a "
    "package of the C library (Linux), those of C++ with a C++ compiler.",
    fix="Install what the system's own compiler needs, and use that compiler.",
    links=(
        "https://github.com/abetlen/llama-cpp-python/issues/1956",
        "https://github.com/ggml-org/whisper.cpp/issues/37",
    ),
)
