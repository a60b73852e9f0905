"""A name of a generator that this CMake does not have."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

_SAYS = r"Could not create named generator "
_KNOWN_LATER = r"(?:Visual Studio 1[678] 20\d\d$|Ninja Multi-Config)"

CAUSE = log_cause(
    "cmake-generator-unknown",
    "CMake has no generator of that name",
    sign(
        rf"{_SAYS}(?P<name>Visual Studio 1[678] 20\d\d)$",
        "CMake was told to generate for {name}, and this CMake is one without Visual Studio: that of MSYS2, Cygwin, "
        "WSL or Linux.",
        text="On Windows put the CMake for Windows first on PATH (winget install Kitware.CMake; where cmake shows "
        "which is first); elsewhere leave out -G and unset CMAKE_GENERATOR.",
        also=r"^Generators$",
        unless=r"^[* ] Visual Studio \d",
    ),
    sign(
        rf"{_SAYS}(?!{_KNOWN_LATER})(?P<name>[^\n]{{1,60}})",
        "CMake was told to generate for {name}, and has no generator of that name.",
    ),
    looks_like="CMake Error: Could not create named generator MinGW",
    explanation="The name after -G, or in CMAKE_GENERATOR, must be one of those that this CMake lists, "
    "to the letter and as one word: names with spaces need quotes. Those for Windows are only in its own CMake, "
    "Xcode is only on macOS, and old ones of Visual Studio are gone from new CMakes.",
    fix="Give a name of cmake --help's list, in quotes (-G \"MinGW Makefiles\"); Visual Studio's platform goes "
    "to -A (-A x64) and not into the name; or leave -G out and unset CMAKE_GENERATOR.",
    links=(
        "https://github.com/willyd/caffe-builder/issues/31",
        "https://github.com/google/flatbuffers/issues/6174",
        "https://github.com/dmlc/xgboost/issues/5605",
    ),
    explains=("pip-build-failed",),
)
