"""CMake finds no C or C++ compiler, or not the one that it was told to use."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "cmake-no-compiler",
    "CMake finds no C or C++ compiler",
    sign(
        r"The CMAKE_(?P<language>C|CXX)_COMPILER: (?P<path>[^\n]{1,200}?) is not a full path(?: to an existing "
        r"compiler tool| and was not found in the PATH)",
        "{path} was asked for as the {language} compiler (by CC, CXX or -DCMAKE_{language}_COMPILER), and there is "
        "no such program on PATH.",
        text="Install it, or unset CC and CXX; then configure in a fresh build directory.",
    ),
    sign(
        r"The CMAKE_(?P<language>C|CXX)_COMPILER: (?P<path>[^\n]{1,200}?) is not a full path to "
        r"an existing compiler",
        "{path} was asked for as the {language} compiler, and does not exist.",
    ),
    sign(
        r"Could not find compiler set in environment variable (?P<name>CC|CXX|CUDACXX|HIPCXX):? "
        r"(?P<path>[^\n]{0,120})",
        "The variable {name} names a compiler that does not exist: {path}",
        text="Unset {name}, or let it name a compiler that is installed.",
    ),
    sign(
        r"No CMAKE_CXX_COMPILER could be found",
        "CMake finds no C++ compiler.",
        package="c++",
        unless=r"No CMAKE_C_COMPILER could be found",
    ),
    sign(r"No CMAKE_C(?:XX)?_COMPILER could be found", package="compiler"),
    sign(
        r"CMAKE_(?P<language>C|CXX)_COMPILER not set, after EnableLanguage",
        "CMake has no {language} compiler.",
        package="compiler",
    ),
    looks_like="No CMAKE_CXX_COMPILER could be found; CMAKE_C_COMPILER not set, after "
    "EnableLanguage",
    explanation="No compiler is on PATH. A slim container image and a fresh system have none.",
    fix="Install a compiler, then configure in a fresh build directory: the cache remembers that "
    "there was none.",
    links=("https://github.com/zjunlp/EasyInstruct/issues/6",),
    explains=("pip-build-failed",),
)
