"""CC, CXX or CMAKE_GENERATOR that come too late for a build directory."""

from __future__ import annotations

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._toolchain import environment_ignored

CAUSE: Cause = Cause(
    id="cmake-environment-ignored",
    title="CMake takes no notice of CC, CXX or CMAKE_GENERATOR any more",
    looks_like="export CC=clang changes nothing: CMake still compiles with gcc.",
    needs="CC, CXX or CMAKE_GENERATOR in the environment, and another compiler or generator in a build directory.",
    explanation="CMake takes these variables only when it configures a build directory for the first time; after "
    "that the cache counts, and CMake does not say that it passes over them.",
    fix="Configure again from nothing with the variables set (cmake --fresh), or unset them if the cache is right.",
    links=(
        "https://github.com/baldurk/renderdoc/issues/275",
        "https://github.com/rust-lang/cmake-rs/issues/97",
    ),
    diagnose=lambda case: environment_ignored(CAUSE, case),
)
