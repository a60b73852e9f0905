"""A shader compiler that does not know the extensions of the shaders."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "vulkan-glslc-too-old",
    "glslc is too old for these shaders",
    sign(
        r"\.(?:comp|glsl):\d+: (?:warning|error): '#extension' : extension not supported: "
        r"(?P<name>GL_\w+)",
        "glslc does not know {name}.",
        also=r"\.(?:comp|glsl):\d+: error:|cannot compile \w+|errors? generated",
    ),
    sign(
        r"\.(?:comp|glsl):\d+: error: '(?P<name>coopmat|bfloat16_t|dotPacked4x8EXT|float8_t)' : "
        r"(?:undeclared identifier|"
        r"no matching overloaded function)",
        "glslc does not know {name}.",
    ),
    sign(
        r"glslc: error: (?:unknown|unrecognized)[^\n]{0,40}--?(?P<name>target-env[^\n]{0,40})",
        "glslc does not know {name}.",
    ),
    looks_like="warning: '#extension' : extension not supported: GL_KHR_cooperative_matrix; "
    "cannot compile matmul_…",
    explanation="Debian 12, Ubuntu 22.04 and RHEL 8 ship a glslc of 2022 or older, and the "
    "shaders use newer extensions.",
    fix="Install a current Vulkan SDK (LunarG's) and configure in a fresh build directory, or use a release of "
    "llama.cpp that tests what glslc can do before it uses it.",
    links=(
        "https://github.com/ggml-org/llama.cpp/issues/10785",
        "https://github.com/ggml-org/llama.cpp/issues/11052",
        "https://github.com/ggml-org/llama.cpp/issues/10710",
    ),
    explains=("vulkan-shaders-gen",),
)
