"""A build directory that was configured on, or for, a machine of another kind."""

from __future__ import annotations

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._toolchain import other_machine

CAUSE: Cause = Cause(
    id="cmake-other-machine",
    title="The build directory was configured for another processor or system",
    looks_like="unrecognized command-line option '-mavx2' on arm64, or -mcpu=native on x86-64; libraries that can "
    "not be loaded: incompatible architecture.",
    needs="CMAKE_HOST_SYSTEM_PROCESSOR in CMakeSystem.cmake, or CMAKE_OSX_ARCHITECTURES in the cache, that is not "
    "this machine's.",
    explanation="CMake looks at system and processor once, when a build directory is configured for the first time. "
    "In a directory that was shared, copied or configured under Rosetta, it goes on with what it knew then.",
    fix="Configure again from nothing on this machine: cmake --fresh, or another build directory.",
    links=(
        "https://github.com/taichi-dev/taichi/issues/6965",
        "https://github.com/shrec/UltrafastSecp256k1/issues/101",
    ),
    diagnose=lambda case: other_machine(CAUSE, case),
)
