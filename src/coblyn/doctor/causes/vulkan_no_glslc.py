"""The Vulkan backend without its shader compiler."""

from __future__ import annotations

from coblyn.doctor.causes._machine import no_glslc
from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.causes._tree import also
from coblyn.doctor.finding import Severity

CAUSE = log_cause(
    "vulkan-no-glslc",
    "Vulkan's shader compiler glslc is not installed",
    sign(
        r"CMake Error[^\n]{0,300} Could NOT find Vulkan \(missing: (?:[^)\n]{0,100} "
        r")?glslc[^)\n]{0,40}\)",
        "CMake finds Vulkan, but no glslc.",
        package="glslc",
    ),
    sign(
        r"Vulkan_GLSLC_EXECUTABLE-NOTFOUND",
        "The build runs glslc by the name that CMake gives to what it did not find.",
        package="glslc",
    ),
    sign(
        r"^(?:/bin/)?(?:ba)?sh: (?:line )?(?:\d+: )?glslc: (?:command )?not found", package="glslc"
    ),
    sign(r"CMake Error[^\n]{0,300} glslc not found", package="glslc"),
    sign(
        r"Could NOT find Vulkan \(missing: (?:[^)\n]{0,100} )?glslc[^)\n]{0,40}\)",
        "CMake finds Vulkan, but no glslc, and leaves the backend out.",
        package="glslc",
        severity=Severity.RISK,
    ),
    looks_like="Could NOT find Vulkan (missing: glslc)",
    explanation="ggml's Vulkan backend compiles its shaders during the build, with glslc of the shaderc project. "
    "Drivers and Vulkan's headers do not bring it.",
    fix="Install glslc (or the whole Vulkan SDK), then configure in a fresh build directory.",
    links=(
        "https://github.com/nomic-ai/gpt4all/issues/1630",
        "https://github.com/ggml-org/llama.cpp/issues/8488",
        "https://github.com/jakoch/vulkan-sdk-arm/issues/1",
    ),
    explains=(
        "cmake-package-missing",
        "backend-not-found",
        "pip-build-failed",
        "vulkan-shaders-gen",
        "tool-missing",
    ),
)

CAUSE = also(CAUSE, lambda case: no_glslc(CAUSE, case))
