"""The source uses what this CUDA does not have."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

_NAMES = (
    r"__nv_bfloat16\w*|nv_bfloat16\w*|CUBLAS_COMPUTE_\w+|cublasComputeType_t|"
    r"CUBLAS_TF32_TENSOR_OP_MATH|CUDA_R_16BF|"
    r"__(?:shfl(?:_up|_down|_xor)?|ballot|any|all)_sync|__hmax2?|__hmin2?|__reduce_\w+_sync|cudaGraphExecUpdateResultInfo|"
    r"cudaGraphKernelNodeGetParams|cuMem(?:Create|"
    r"AddressReserve|Map|SetAccess)|CU_DEVICE_ATTRIBUTE_VIRTUAL_\w+|CUmem\w+|cudaFuncAttribute\w+|"
    r"cudaMemLocation\w*|"
    r"__nv_fp8\w*|__nv_fp4\w*|__nv_cvt_\w+"
)

CAUSE = log_cause(
    "cuda-too-old",
    "CUDA is too old for this source",
    sign(
        r'error: identifier "(?P<name>' + _NAMES + r')" is undefined',
        "The source uses {name}, which this CUDA does not have.",
    ),
    sign(
        r"error: (?:'(?P<name>"
        + _NAMES
        + r")' was not declared|use of undeclared identifier '(?P<other>"
        + _NAMES
        + r")')",
        "The source uses {name}{other}, which this CUDA does not have.",
        also=r"CUDA|cublas|\bnvcc\b",
        unless=r"\bhipcc\b|/opt/rocm|__HIP|\bHIP compiler",
    ),
    sign(
        r"fatal error: (?P<name>cuda_bf16\.h|cuda_fp8\.h|cuda_fp4\.h|cub/cub\.cuh)(?:: No such "
        r"file| file not found)",
        "This CUDA has no {name}.",
    ),
    sign(
        r"nvcc fatal ?: Value 'c\+\+(?P<standard>\d\d)' is not defined for option 'std'",
        "This nvcc does not know C++{standard}; C++17 came with CUDA 11, C++20 with CUDA 12.",
    ),
    sign(
        r"nvcc fatal ?: Unknown option '-{0,2}(?P<option>forward-unknown-to-host-compiler|"
        r"extended-lambda|use_fast_math|"
        r"compress-mode[^'\n]{0,20}|forward-unknown-[\w-]+|split-compile[^'\n]{0,20})'",
        "This nvcc does not know the option {option}.",
    ),
    sign(
        r'requires the language dialect "CUDA(?P<standard>\d\d)"',
        "This nvcc does not know C++{standard}; C++17 came with CUDA 11.",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r'ggml\S{0,100}\(\d+\): error: identifier "(?P<name>__fp16|half)" is undefined',
        "On ARM, the source uses the type {name}, which this nvcc does not know on the host side.",
        text="Use CUDA 12 or later, or a release of llama.cpp that leaves that type out of what "
        "nvcc sees.",
        sure=Confidence.MEDIUM,
    ),
    looks_like='error: identifier "__nv_bfloat16" is undefined; fatal error: cuda_bf16.h: No '
    "such file or directory",
    explanation="ggml's CUDA backend needs CUDA 11.7 or later these days; distributions' nvidia-cuda-toolkit and "
    "Jetson's JetPack 4 (CUDA 10.2) are older.",
    fix="Install a newer CUDA toolkit from NVIDIA and see that its nvcc comes first on PATH (or name it with "
    "CUDACXX), then configure in a fresh build directory.",
    links=(
        "https://github.com/ggml-org/llama.cpp/issues/4123",
        "https://github.com/abetlen/llama-cpp-python/issues/1081",
        "https://github.com/abetlen/llama-cpp-python/issues/1003",
        "https://github.com/ggml-org/llama.cpp/issues/10555",
    ),
    explains=(
        "pip-build-failed",
        "header-missing",
    ),
)
