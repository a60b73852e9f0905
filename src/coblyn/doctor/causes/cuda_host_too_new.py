"""nvcc does not know a gcc as new as this one."""

from __future__ import annotations

from coblyn.doctor.causes._machine import cuda_host
from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.causes._tree import also
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "cuda-host-too-new",
    "This gcc is too new for this CUDA",
    sign(
        r"unsupported GNU version! gcc versions later than (?P<most>[\d.]+) are not supported",
        "This nvcc takes gcc up to {most}, and the system's is newer.",
        command="export NVCC_CCBIN=g++-{most} CUDAHOSTCXX=g++-{most}",
    ),
    sign(
        r"unsupported clang version! clang version must be less than (?P<most>[\d.]+)",
        "This nvcc takes clang below {most}, and the system's is newer.",
        command="export NVCC_CCBIN=g++ CUDAHOSTCXX=g++",
    ),
    sign(
        r"(?:std_function\.h|/c\+\+/\d+/\S{1,60}):\d+:\d+: error: parameter packs not expa",
        "The headers of gcc 11 and later are more than this nvcc can read.",
        command="export NVCC_CCBIN=g++-10 CUDAHOSTCXX=g++-10",
    ),
    sign(
        r"error: parameter packs not expanded with \W?\.\.\.|fatal error: (?:bits/)?std_function\.h\b",
        "That is what nvcc of CUDA 11.5 and older makes of the headers of gcc 11.",
        command="export NVCC_CCBIN=g++-10 CUDAHOSTCXX=g++-10",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"arm_(?:neon|sve|bf16|fp16)\.h\(\d+\): error: identifier "
        r'"(?P<name>__builtin_(?:aarch64|neon)_\w+)" is undefined',
        "The host compiler's arm_neon.h uses {name}, which this nvcc does not know.",
        text="Use an older host compiler: export NVCC_CCBIN=g++-10 CUDAHOSTCXX=g++-10; or a "
        "newer CUDA.",
    ),
    sign(
        r'(?:intrin|avx|amx)\w*\.h\(\d+\): error: identifier "(?P<name>__builtin_ia32_\w+)" is '
        r"undefined",
        "A header of the host compiler uses {name}, which this nvcc does not know.",
        text="Use an older host compiler: export NVCC_CCBIN=g++-12 CUDAHOSTCXX=g++-12; or a "
        "newer CUDA.",
    ),
    sign(
        r'/c\+\+/(?P<gcc>\d+)[^\n]{0,100}\(\d+\): error: (?:identifier "(?P<name>__\w+)" is '
        r"undefined|"
        r"user-defined literal operator not found)",
        "The headers of gcc {gcc} are more than this nvcc can read.",
        also=r"\bnvcc\b|\.cu\b",
        sure=Confidence.MEDIUM,
    ),
    looks_like="#error -- unsupported GNU version! gcc versions later than 12 are not supported!",
    explanation="nvcc hands half of each file to the system's compiler and knows that compiler's headers only up to "
    "a version. -allow-unsupported-compiler silences the check and may fail later, or give wrong code.",
    fix="Install that older g++ beside the system's and name it (NVCC_CCBIN, or -DCMAKE_CUDA_HOST_COMPILER=g++-N) "
    "in a fresh build directory; or install a newer CUDA.",
    links=(
        "https://github.com/ggml-org/llama.cpp/issues/9205",
        "https://github.com/ggml-org/llama.cpp/issues/22886",
        "https://github.com/abetlen/llama-cpp-python/issues/2081",
        "https://github.com/ggml-org/llama.cpp/issues/11112",
    ),
    explains=(
        "cmake-compiler-broken",
        "pip-build-failed",
    ),
)

CAUSE = also(CAUSE, lambda case: cuda_host(CAUSE, case))
