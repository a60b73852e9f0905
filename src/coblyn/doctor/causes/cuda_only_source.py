"""Source that uses names which only CUDA has, compiled for AMD's GPUs."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

_HIP = r"hipcc|[Hh][Ii][Pp]|gfx\d|rocm|ROCm|amdgcn"

CAUSE = log_cause(
    "cuda-only-source",
    "The source uses names that only CUDA has",
    sign(
        r"error: use of undeclared identifier '(?P<name>__(?:shfl(?:_up|_down|_xor)?|ballot|any|all|activemask"
        r"|match_any|match_all|reduce_\w+|syncwarp)(?:_sync)?|__nanosleep|__byte_perm|__dp[24]a|__vsub\w+|__vcmp\w+)'",
        "{name} is a function of CUDA's that this ROCm does not have.",
        also=_HIP,
    ),
    sign(
        r"error: (?:use of undeclared identifier|unknown type name) '(?P<name>(?:cuda|cublas|CU|cu)[A-Z_]\w{2,60}"
        r"|CUBLAS_\w+|nv_bfloat16\d?|__nv_\w+|nvcuda)'",
        "{name} is a name of CUDA's that the project does not translate for AMD.",
        also=_HIP,
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"error: (?:invalid instruction|unknown (?:constraint|register)|invalid (?:output|input) constraint)"
        r"[^\n]{0,200}\n[^\n]{0,300}(?:asm|\"(?:mma|ldmatrix|cp\.async|prmt|lop3)\.?)",
        "The source has assembler of NVIDIA's (PTX), which no other GPU knows.",
        also=_HIP,
        sure=Confidence.MEDIUM,
    ),
    looks_like="error: use of undeclared identifier '__shfl_sync' (hipcc)",
    explanation="The program, or this version of it, was written for CUDA and does not build for HIP. That is no "
    "matter of flags: ROCm before 7 has no functions with _sync, and other names have no counterpart at all.",
    fix="Take a version of the program that says it supports ROCm (and the ROCm release that it names), or build it "
    "for another backend (Vulkan, CPU).",
    links=(
        "https://github.com/ROCm/hip/issues/1491",
        "https://github.com/Anbeeld/beellama.cpp/issues/55",
    ),
    explains=("undefined-symbol", "compiler-too-old", "hip-version-mismatch"),
)
