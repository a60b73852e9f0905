"""The helper program that makes Vulkan's shaders could not be built or run."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "vulkan-shaders-gen",
    "The generator of Vulkan's shaders could not be built for this machine",
    sign(r"vulkan-shaders-gen: (?:command )?not found"),
    sign(r"'vulkan-shaders-gen' is not recognized as an internal or external command"),
    sign(
        r"vulkan-shaders-gen: (?:cannot execute binary file|Exec format error)",
        "It was built for the target of the cross build, and has to run on this machine.",
    ),
    sign(
        r"file INSTALL cannot find \"[^\"\n]{0,300}vulkan-shaders-gen\": No such file or directory"
    ),
    sign(
        r"ninja: error: '[^'\n]{0,200}vulkan-shaders-gen', needed by '[^'\n]{1,200}', missing "
        r"and no known rule"
    ),
    sign(
        r"fatal error: '?ggml-vulkan-shaders\.hpp'?(?:: No such file| file not found)",
        "The file that the generator writes, ggml-vulkan-shaders.hpp, is not there.",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"ggml-vulkan[^\n]{0,80}error: (?:use of undeclared identifier )?'(?P<name>\w{3,80}_(?:len|data))'",
        "The source asks for the shader {name}, which the generator did not write: an earlier "
        "ggml-vulkan-shaders.hpp is in use, or glslc could not compile that shader.",
        text="Bring all of ggml to one release (git submodule update --init --recursive), install a current glslc, "
        "and build in a fresh build directory.",
        sure=Confidence.MEDIUM,
    ),
    sign(r"Host compiler not found[^\n]{0,100}"),
    sign(
        r"GGML_VULKAN_SHADERS_GEN_TOOLCHAIN|GGML_SHADERS_GEN_TOOLCHAIN",
        also=r"CMake Error|FAILED|\*\*\* \[",
        sure=Confidence.LOW,
    ),
    sign(
        r"(?:FAILED: |\*\*\* \[)[^\n]{0,200}vulkan-shaders-gen-(?:prefix|build|configure|stamp)",
        sure=Confidence.LOW,
    ),
    looks_like="vulkan-shaders-gen: command not found",
    explanation="ggml's Vulkan backend first builds a small program that writes the shaders, with a CMake run of "
    "its own. In a cross build that program needs the compiler of the machine that builds; as a subproject, its "
    "path can be wrong.",
    fix="For a cross build name a toolchain file for this machine with -DGGML_VULKAN_SHADERS_GEN_TOOLCHAIN=…; else "
    "build from a fresh directory, with a current release.",
    links=(
        "https://github.com/ggml-org/llama.cpp/pull/10448",
        "https://github.com/ggml-org/llama.cpp/issues/10058",
        "https://github.com/utilityai/llama-cpp-rs/issues/747",
        "https://github.com/ggml-org/llama.cpp/pull/11037",
    ),
    explains=(
        "header-missing",
        "tool-missing",
    ),
)
