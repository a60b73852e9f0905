"""An SDK of macOS that something still names, and that is gone."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "sdk-path-gone",
    "The SDK that the build names is not there any more",
    sign(
        r"no such sysroot directory: '(?P<path>[^'\n]{1,300})'",
        "The build names the SDK {path}, which does not exist.",
        also=r"error: |\*\*\*|file not found",
        command="unset SDKROOT CONDA_BUILD_SYSROOT; cmake --fresh -B build",
    ),
    sign(
        r"CMAKE_OSX_SYSROOT[^\n]{0,40} (?P<path>/[^\n]{1,300}?) [^\n]{0,40}(?:is not an existing directory|does "
        r"not exist|is invalid)",
        "CMake is told the SDK {path}, which does not exist.",
        command="unset SDKROOT; cmake --fresh -B build",
    ),
    looks_like="clang: warning: no such sysroot directory: '/Library/Developer/CommandLineTools/SDKs/MacOSX13.3.sdk'",
    explanation="An update of Xcode replaces the SDK by a newer one, and CMake's cache, SDKROOT, conda or the "
    "Python that was built with the old one still name it.",
    fix="Unset SDKROOT and CONDA_BUILD_SYSROOT, and configure in a fresh build directory; for conda's compilers, set "
    'SDKROOT="$(xcrun --show-sdk-path)".',
    links=("https://github.com/abetlen/llama-cpp-python/issues/1956",),
    explains=("system-headers-missing", "header-missing"),
)
