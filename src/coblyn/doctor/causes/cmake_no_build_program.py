"""CMake finds no make or ninja to generate for."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

# Where nothing of Visual Studio is found, that is what is missing: setup scripts try one generator after the other.
_NO_MSVC = (
    r"requires Microsoft Visual Studio|could not find any instance of Visual Studio|'nmake' '-\?'"
)
_WINDOWS = r"win[-_]amd64|\b[A-Z]:[\\/]|\bMSVC\b|Windows"

CAUSE = log_cause(
    "cmake-no-build-program",
    "CMake finds no make or ninja",
    sign(
        r'unable to find a build program corresponding to "Ninja"',
        "CMake was told to generate for Ninja, and there is no ninja.",
        package="ninja",
        unless=_NO_MSVC,
    ),
    sign(
        r'unable to find a build program corresponding to "(?P<name>MinGW Makefiles|MSYS '
        r'Makefiles)"',
        "CMake was told to generate {name}, and finds no mingw32-make: MinGW, the compiler and its make, is not "
        "installed or not on PATH.",
        text="Put the bin directory of MinGW (with gcc.exe and mingw32-make.exe; w64devkit is one) on PATH and open a "
        "new terminal. Or build with Visual Studio: install its C++ workload, and unset CMAKE_GENERATOR and leave out "
        "-G.",
        # That there is no compiler either shows only after this.
        sure=Confidence.MEDIUM,
    ),
    sign(
        r'unable to find a build program corresponding to "Unix Makefiles"',
        "CMake was told to generate makefiles, and there is no make.",
        package="make",
        unless=rf"{_NO_MSVC}|{_WINDOWS}",
    ),
    sign(
        r'unable to find a build program corresponding to "Unix Makefiles"',
        "CMake was told to generate makefiles for Unix's make, and this Windows has none.",
        text="Leave out -G and unset CMAKE_GENERATOR, so that CMake takes Visual Studio, whose C++ workload must be "
        'installed; or put MinGW\'s bin directory on PATH and use -G "MinGW Makefiles".',
        also=_WINDOWS,
        sure=Confidence.MEDIUM,
    ),
    sign(
        r'unable to find a build program corresponding to "(?P<name>[^"\n]+)"',
        package="ninja",
        unless=rf"{_NO_MSVC}|{_WINDOWS}",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"CMake Error: Error required internal CMake variable not "
        r"set[^\n]*[\s\S]{0,300}CMAKE_MAKE_PROGRAM",
        sure=Confidence.LOW,
    ),
    sign(
        r"RuntimeError: Ninja is required to load C\+\+ extensions",
        "PyTorch compiles extensions with ninja, and there is none.",
        command="pip install ninja",
    ),
    sign(r"\bninja: command not found", "The shell finds no ninja.", package="ninja"),
    looks_like='CMake was unable to find a build program corresponding to "Ninja".  '
    "CMAKE_MAKE_PROGRAM is not set.",
    explanation="CMake only writes build files; another program runs them. What it says next, that there is no C "
    "compiler, is a consequence: without that program it can not test one.",
    fix="Install the build program, then configure in a fresh build directory, for the cache remembers that it was "
    "missing.",
    links=("https://github.com/abetlen/llama-cpp-python/issues/1664",),
    explains=(
        "cmake-no-compiler",
        "pip-build-failed",
        "tool-missing",
    ),
)
