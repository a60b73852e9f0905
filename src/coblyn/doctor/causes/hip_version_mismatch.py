"""ROCm's headers and the source are of different times."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "hip-version-mismatch",
    "This ROCm and this source do not fit",
    sign(
        r"error: (?:unknown type name|use of undeclared identifier|no member named) "
        r"'(?P<name>__?hip_bfloat16\w{0,20}|hip_bfloat16|__hip_fp8\w{0,30}|"
        r"HIPBLAS_(?:R|COMPUTE|GEMM)_\w{1,30}|hipblas(?:Datatype|ComputeType)_t|HIP_R_\w{1,20}|"
        r"hipStreamWaitEvent\w*|hipDeviceAttribute\w{1,40}|"
        r"cublasComputeType_t|CUBLAS_GEMM_DEFAULT_TENSOR_OP)'",
        "The source uses {name}, which this ROCm does not have, or has under another name.",
    ),
    sign(
        r"error: no template named '(?P<name>\w{1,40})' in namespace '__hip_internal'",
        "The headers of two ROCm versions meet: {name} of __hip_internal is missing.",
    ),
    sign(
        r"error: cannot initialize return object of type '(?P<one>hip\w{1,40})' with an rvalue "
        r"of type '(?P<other>hip\w{1,40})'",
        "hipBLAS has {one} now where the source has {other}.",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"error: declaration of 'abort' has a different language linkage",
        "The C library's headers and ROCm's disagree.",
        also=r"hip|rocm|ROCm",
        sure=Confidence.MEDIUM,
    ),
    looks_like="error: unknown type name '__hip_bfloat16_raw'; error: no template named "
    "'conditional' in namespace '__hip_internal'",
    explanation="ROCm renames types and functions between its major versions; a source that was written for one "
    "does not compile with another, and neither do the headers of two versions together.",
    fix="Use the newest release of the program, or the ROCm that it was made for; see that only one ROCm is on "
    "CPATH, ROCM_PATH and CMAKE_PREFIX_PATH.",
    links=(
        "https://github.com/YellowRoseCx/koboldcpp-rocm/issues/140",
        "https://github.com/YellowRoseCx/koboldcpp-rocm/issues/141",
        "https://github.com/ggml-org/llama.cpp/pull/1087",
    ),
    explains=("pip-build-failed",),
)
