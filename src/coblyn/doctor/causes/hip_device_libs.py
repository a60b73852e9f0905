"""ROCm's clang without the device libraries that belong to it."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

_PATH = "export ROCM_PATH=/opt/rocm HIP_DEVICE_LIB_PATH=/opt/rocm/amdgcn/bitcode"

CAUSE = log_cause(
    "hip-device-libs",
    "The compiler finds no ROCm device library",
    sign(
        r"error: cannot find ROCm device library(?P<which>[^;\n]{0,80})",
        "clang finds no ROCm device library{which}.",
        command=_PATH,
    ),
    sign(r"error: cannot find HIP runtime; provide its path via", command=_PATH),
    sign(r"error: cannot find ROCm installation", command=_PATH),
    looks_like="clang: error: cannot find ROCm device library; provide its path via '--rocm-path' or "
    "'--rocm-device-lib-path'",
    explanation="Code for AMD GPUs is linked with bitcode that comes with ROCm. A clang of the distribution, or "
    "ROCm in an unusual directory, does not find it.",
    fix="Use ROCm's own clang, and say where the bitcode is.",
    links=(
        "https://github.com/ggml-org/llama.cpp/issues/11498",
        "https://github.com/ROCm/legacy-rocm-build/issues/5104",
    ),
    explains=(
        "cmake-compiler-broken",
        "pip-build-failed",
    ),
)
