"""Headers, objects and deployment target of different versions of macOS."""

from __future__ import annotations

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._toolchain import sdk_mismatch

CAUSE: Cause = Cause(
    id="sdk-mismatch",
    title="The build mixes SDKs or systems of different versions",
    looks_like="ld: warning: object file (x.o) was built for newer 'macOS' version (14.7) than being linked (14.0); "
    "headers that are not found after an update of Xcode.",
    needs="The SDK in CMake's cache or among the compiler's own directories that is not the installed one, or "
    "objects of one link (LC_BUILD_VERSION) that are for a newer macOS than the build.",
    explanation="CMake writes the path of the SDK, with its version, into the build directory. After an update of "
    "Xcode, part of the build takes the old headers and part the new ones.",
    fix="Configure again from nothing after an update of Xcode (cmake --fresh), and set one deployment target "
    "(CMAKE_OSX_DEPLOYMENT_TARGET, MACOSX_DEPLOYMENT_TARGET) for everything.",
    links=(
        "https://github.com/OrcaSlicer/OrcaSlicer/pull/13996",
        "https://github.com/nasa/trick/issues/1789",
        "https://github.com/dart-lang/sdk/issues/47834",
    ),
    diagnose=lambda case: sdk_mismatch(CAUSE, case),
)
