"""A build for an older macOS than what it calls needs."""

from __future__ import annotations

from coblyn.doctor.causes._machine import deployment_target
from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.causes._tree import also
from coblyn.doctor.finding import Confidence

_TARGET = "MACOSX_DEPLOYMENT_TARGET={version} cmake --fresh -B build"

CAUSE = log_cause(
    "deployment-target-low",
    "The build is for an older macOS than it needs",
    sign(
        r"error: [^\n]{0,40}?'(?P<name>[^'\n]{1,200})' is unavailable: introduced in (?:macOS|iOS) "
        r"(?P<version>\d+(?:\.\d+)*)",
        "{name} exists since version {version} of the system, and the build is for an older one.",
        command=_TARGET,
    ),
    sign(
        r"error: call to unavailable (?:member )?(?:function|constructor) '(?P<name>[^'\n]{1,200})': introduced in "
        r"(?:macOS|iOS) (?P<version>\d+(?:\.\d+)*)",
        "{name} exists since version {version} of the system, and the build is for an older one.",
        command=_TARGET,
    ),
    sign(
        r"error: aligned (?:de)?allocation function of type '[^'\n]{1,200}' is (?:only available|possibly "
        r"unavailable) on macOS(?: (?P<version>\d+\.\d+))?",
        "Aligned allocation of C++17 is not in the macOS that the build is for.",
        text="Set MACOSX_DEPLOYMENT_TARGET to 10.13 or later, and configure in a fresh build "
        "directory.",
    ),
    sign(
        r"error: '(?P<name>[^'\n]{1,200})' is only available on (?:macOS|iOS) (?P<version>\d+(?:\.\d+)*) or newer",
        "{name} exists since version {version} of the system, and the build is for an older one.",
        command=_TARGET,
    ),
    sign(
        r"Compiling for (?:macOS|iOS) [\d.]+, but module '(?P<name>\w+)' has a minimum deployment target of (?:macOS"
        r"|iOS) (?P<version>\d+(?:\.\d+)*)",
        "{name} needs version {version} of the system, and the build is for an older one.",
        sure=Confidence.HIGH,
    ),
    looks_like="error: 'path' is unavailable: introduced in macOS 10.15",
    explanation="A build names the oldest macOS that its result shall run on (MACOSX_DEPLOYMENT_TARGET, or the "
    "macOS that Python was built for); clang refuses what that one does not have. std::filesystem needs 10.15, "
    "std::to_chars for numbers with a fraction 13.3.",
    fix="Raise MACOSX_DEPLOYMENT_TARGET (CMake: -DCMAKE_OSX_DEPLOYMENT_TARGET), and configure in a fresh build "
    "directory.",
    links=(
        "https://github.com/LuaLS/lua-language-server/issues/47",
        "https://github.com/ggml-org/llama.cpp/issues/11612",
    ),
)

CAUSE = also(CAUSE, lambda case: deployment_target(CAUSE, case))
