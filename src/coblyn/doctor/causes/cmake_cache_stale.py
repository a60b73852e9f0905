"""A build directory whose compiler, build program or SDK is gone."""

from __future__ import annotations

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._cmake import cache_gone

CAUSE: Cause = Cause(
    id="cmake-cache-stale",
    title="CMake's cache names tools that are not there any more",
    looks_like="The CMAKE_CXX_COMPILER … is not a full path to an existing compiler tool; no such sysroot directory; "
    "CMake was unable to find a build program.",
    needs="An entry of CMakeCache.txt with the path of a compiler, build program, SDK or toolchain file that does not "
    "exist.",
    explanation="CMake looks for its tools once and remembers their paths. After an update of Xcode, conda, Homebrew "
    "or the compiler, or when pip built in a temporary environment, they are gone; cleaning does not remove the cache.",
    fix="Configure again from nothing: cmake --fresh, or remove the build directory.",
    links=(
        "https://github.com/scikit-build/scikit-build/issues/628",
        "https://github.com/pypa/pip/issues/12385",
    ),
    diagnose=lambda case: cache_gone(CAUSE, case),
    explains=("cmake-no-build-program", "cmake-unfinished"),
)
