"""The headers of C or C++ themselves."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

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
_MAC = (
    r"Darwin|AppleClang|Apple clang|/Library/Developer/|\.sdk\b|-framework |/opt/homebrew|macosx|"
    r"MacOSX|Xcode|-apple-"
)
_LINUX = r"[Ll]inux|Ubuntu|Debian|Fedora|Red Hat|/rocm|/usr/lib/gcc|/home/|\.so\b"
# Compilers of their own on a Mac: these bring headers, and look for the SDK by themselves.
_OTHER_CLANG = r"(?:opt|Cellar)/llvm|[\\/](?:mini|ana)?conda|miniforge|mamba|[\\/]envs[\\/]"
# A source in C, or a library asked for in vain, asks for headers of C++ where nothing is wrong with the tools.
_NOT_THE_TOOLS = (
    r"\.(?:c|m|pch):\d+:\d+: fatal error|In file included from \S+\.(?:c|m|pch):\d"
    rf"|libstdc\+\+ headers not found|{_OTHER_CLANG}"
)
_ANEW = "sudo rm -rf /Library/Developer/CommandLineTools && xcode-select --install"
_APT_CXX = "sudo apt install libstdc++-$(ls /usr/lib/gcc/x86_64-linux-gnu | sort -V | tail -1)-dev"

CAUSE = log_cause(
    "system-headers-missing",
    "The compiler does not find the headers of C or C++",
    sign(
        rf"fatal error: '(?P<header>{_CXX})' file not found",
        "Apple's clang does not find {header}, a header of C++: an update has left the command line tools broken or "
        "half updated.",
        command=_ANEW,
        text="Mostly /Library/Developer/CommandLineTools/usr/include/c++/v1 is left with hardly a header in it, and "
        "hides the SDK's: install the tools anew (or remove just that folder), then build in a fresh build "
        "directory. If Xcode.app is what you use: sudo xcode-select --reset. Unset CPATH and CPLUS_INCLUDE_PATH.",
        also=_MAC,
        unless=_NOT_THE_TOOLS,
    ),
    sign(
        rf"fatal error: '(?P<header>{_C})' file not found",
        "Apple's clang does not find {header}, a header of C: the SDK of macOS is missing, or not where it looks.",
        command=_ANEW,
        text="The command line tools bring the SDK. If Xcode.app is what you use: sudo xcode-select --reset. Unset "
        "SDKROOT, CPATH and C_INCLUDE_PATH, and build in a fresh build directory.",
        also=_MAC,
        unless=_OTHER_CLANG,
    ),
    sign(
        rf"fatal error: '(?P<header>{_CXX})' file not found",
        "{header} is a header of C++, and the source that asks for it is compiled as C or Objective-C, or with "
        "another library of C++.",
        text="Compile that source as C++ (.cpp, .mm, -x c++) with -stdlib=libc++, or keep the header out of it; if "
        f"it is C++, install the command line tools anew: {_ANEW}.",
        also=_MAC,
        unless=_OTHER_CLANG,
        sure=Confidence.MEDIUM,
    ),
    sign(
        rf"fatal error: '(?P<header>{_C}|{_CXX})' file not found",
        "clang does not find {header}: the SDK of macOS is not where it looks.",
        command="sudo xcode-select --reset || xcode-select --install",
        text="Use Apple's clang (CC=/usr/bin/clang CXX=/usr/bin/clang++) and unset SDKROOT, CPATH and "
        f"C_INCLUDE_PATH; if it stays, install the command line tools anew: {_ANEW}.",
        also=_OTHER_CLANG,
        unless=r"[Ll]inux|/usr/lib/gcc|/home/",
    ),
    sign(
        rf"fatal error: '(?P<header>{_CXX})' file not found",
        "clang does not find {header}: it takes the C++ library of the newest GCC that is installed, and that one "
        "has no C++ part.",
        command=_APT_CXX,
        text="clang (ROCm's too) takes the newest directory in /usr/lib/gcc, also where only a part of that GCC is "
        "installed; install its C++ part, or name another with --gcc-install-dir. On Fedora install gcc-c++.",
        also=_LINUX,
        unless=_MAC,
    ),
    sign(
        rf"fatal error: '(?P<header>{_C})' file not found",
        "clang does not find {header}, a header of the C library.",
        command="sudo apt install libc6-dev",
        also=_LINUX,
        unless=_MAC,
    ),
    sign(
        rf"fatal error: '(?P<header>{_C}|{_CXX})' file not found",
        "clang does not find {header}, a header of the language itself.",
        text=f"On a Mac install the command line tools anew: {_ANEW}. On Debian and Ubuntu: sudo apt install "
        f"build-essential, and for headers of C++ {_APT_CXX}; on Fedora gcc-c++.",
        sure=Confidence.MEDIUM,
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
        "gcc does not find {header}: it looks in the SDK of macOS that it was built with, and an update has replaced "
        "that one.",
        command="brew reinstall gcc",
        text="Or use Apple's clang (CC=/usr/bin/clang CXX=/usr/bin/clang++), or export SDKROOT=\"$(xcrun "
        f'--show-sdk-path)"; if clang does not find it either, install the command line tools anew: {_ANEW}.',
        also=_MAC,
    ),
    sign(
        rf"fatal error: (?P<header>{_C}|{_CXX}): No such file or directory",
        "gcc does not find {header}: the compiler is there, but not the headers of the language.",
        package="compiler",
        unless=_MAC,
    ),
    sign(
        r"error: no include path in which to search for (?P<header>std\w+\.h|limits\.h)",
        "gcc does not find {header}: the compiler is there, but not the headers of the C library.",
        package="compiler",
    ),
    looks_like="fatal error: 'stdio.h' file not found; fatal error: 'cstdint' file not found",
    explanation="A compiler alone compiles nothing: the headers of C come with the system's SDK (macOS) or a "
    "package of the C library (Linux), those of C++ with a C++ compiler.",
    fix="Install what the system's own compiler needs, and use that compiler.",
    links=(
        "https://github.com/abetlen/llama-cpp-python/issues/1956",
        "https://github.com/ggml-org/whisper.cpp/issues/37",
        "https://github.com/RcppCore/Rcpp/issues/1333",
        "https://github.com/ggml-org/llama.cpp/issues/9575",
    ),
)
