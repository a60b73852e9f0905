"""CMake was run where there is no CMakeLists.txt."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "cmake-no-source",
    "CMake was started in a directory without CMakeLists.txt",
    sign(
        r'The source directory "(?P<path>[^"\n]{1,300})" does not appear to contain CMakeLists\.txt',
        "{path} is not the top of a CMake project.",
    ),
    sign(
        r'The source directory "(?P<path>[^"\n]{1,300})" does not exist',
        "There is no {path}.",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"^Error: (?:not a CMake build directory \(missing CMakeCache\.txt\)|could not load cache)",
        "cmake --build was run on a directory that CMake never configured, or where configuring "
        "failed.",
        text="Run cmake -B build first and look at what it says; cmake --build comes after it.",
        sure=Confidence.MEDIUM,
    ),
    looks_like='The source directory "…" does not appear to contain CMakeLists.txt.',
    explanation="CMake takes the directory that it is given (or the current one) for the top of "
    "the source.",
    fix="Change into the project's directory first, or name it: cmake -S path/to/project -B build.",
    links=("https://github.com/ggml-org/llama.cpp/issues/6318",),
)
