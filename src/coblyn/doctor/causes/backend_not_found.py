"""CMake only warned that what an accelerator needs is missing, and built without it."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Severity

_WARNING = r"CMake Warning at [^\n]{0,300}\(message\): "

CAUSE = log_cause(
    "backend-not-found",
    "An accelerator was left out, with no more than a warning",
    sign(
        _WARNING + r"(?P<name>cuBLAS|CUDA) not found",
        "{name} was asked for and not found; the build goes on for the CPU alone.",
        text="Install the CUDA toolkit (nvcc and cuBLAS with their headers), then build again "
        "from a fresh directory.",
        severity=Severity.RISK,
    ),
    sign(
        _WARNING + r"(?P<name>Vulkan) not found",
        "{name} was asked for and not found; the build goes on for the CPU alone.",
        package="vulkan",
        severity=Severity.RISK,
    ),
    sign(
        _WARNING + r"(?P<name>CLBlast|hipBLAS or HIP|BLAS|Metal framework) not found",
        "{name} was asked for and not found; the build goes on for the CPU alone.",
        severity=Severity.RISK,
    ),
    sign(
        _WARNING
        + r"(?P<name>[A-Za-z ]{2,30}?) not found[^\n]{0,60}(?:fall(?:ing)? ?back|disabl|CPU)",
        "{name} was not found, and the build goes on without it.",
        severity=Severity.RISK,
    ),
    looks_like="CMake Warning … cuBLAS not found; CMake Warning … Vulkan not found",
    explanation="Older releases only warn, and the build looks like a success; the result "
    "computes on the CPU.",
    fix="Install what is missing and build again in a fresh build directory.",
    links=(
        "https://github.com/abetlen/llama-cpp-python/issues/880",
        "https://github.com/ggml-org/llama.cpp/pull/2059",
    ),
)
