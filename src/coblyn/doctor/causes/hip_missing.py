"""A build for AMD GPUs without ROCm's compiler or libraries."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

_ROOT = "If it is installed, say where: export ROCM_PATH=/opt/rocm CMAKE_PREFIX_PATH=/opt/rocm."

CAUSE = log_cause(
    "hip-missing",
    "ROCm's compiler or libraries are not installed, or not found",
    sign(
        r"\bhipcc: (?:(?:command )?not found|No such file or directory)",
        "The shell finds no hipcc.",
        package="hip",
        text=_ROOT,
    ),
    sign(
        r"\bhipconfig: (?:(?:command )?not found|No such file or directory)",
        "The shell finds no hipconfig.",
        package="hip",
        text=_ROOT,
    ),
    sign(
        r'provided by "(?P<name>hip|hipblas|rocblas|hip-lang|rocwmma|hsa-runtime64|amd_comgr|'
        r'AMDDeviceLibs)"',
        "CMake finds no {name}.",
        package="hip",
        text=_ROOT,
        also=r"CMake Error|errors occurred",
    ),
    sign(
        r"CMake Error[^\n]{0,300} hip-lang-config\.cmake",
        "CMake finds no ROCm.",
        package="hip",
        text=_ROOT,
    ),
    sign(
        r"No CMAKE_HIP_COMPILER could be found|Failed to find ROCm root directory",
        package="hip",
        text=_ROOT,
    ),
    sign(
        r"The ROCm root directory: (?P<path>[^\n]{1,200}) does not contain the HIP runtime CMake "
        r"package",
        "{path} has no HIP in it.",
        package="hip",
        text=_ROOT,
    ),
    sign(
        r"fatal error: '?(?P<name>hip/hip_\w+\.h|hipblas/hipblas\.h|rocwmma/[\w.-]+|hipblas\.h|"
        r"rocblas/[\w.]+)'?(?:: No such file|"
        r" file not found)",
        "{name} is not found.",
        package="hip",
        text=_ROOT,
        sure=Confidence.HIGH,
    ),
    looks_like='Could not find a package configuration file provided by "hip"; hipcc: command '
    "not found",
    explanation="The backend for AMD GPUs takes ROCm's clang, HIP, hipBLAS and rocBLAS with their headers. A driver "
    "or a wheel of PyTorch for ROCm brings the libraries to run, not those to build.",
    fix="Install AMD's ROCm with its development packages (on Windows the HIP SDK), then "
    'configure in a fresh build directory: HIPCXX="$(hipconfig -l)/clang" HIP_PATH="$(hipconfig -R)" cmake -B build '
    "-DGGML_HIP=ON.",
    links=(
        "https://github.com/ggml-org/llama.cpp/issues/26060",
        "https://github.com/ggml-org/llama.cpp/issues/10236",
        "https://github.com/abetlen/llama-cpp-python/issues/1066",
        "https://github.com/tmac1973/llama-toolchest/issues/142",
    ),
    explains=(
        "cmake-package-missing",
        "cmake-compiler-broken",
        "pip-build-failed",
        "header-missing",
        "tool-missing",
    ),
)
