"""CUDA's headers and the C library declare the same functions differently."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "cuda-glibc-headers",
    "The C library is newer than this CUDA knows",
    sign(
        r'exception specification is incompatible with that of previous\s{1,20}(?:> {1,8})?function "(?P<name>\w+)"',
        "The C library and CUDA both declare {name}, and differ in whether it may throw.",
    ),
    sign(
        r"mathcalls\.h:\d+:\d+: error: declaration of [^\n]{1,200} has a different exception "
        r"specifier",
    ),
    sign(
        r'error: identifier "(?P<name>_Float(?:16|32|32x|64|64x|128)|__float128)" is undefined',
        "A header of the system uses {name}, which this nvcc does not know.",
        also=r"\bnvcc\b|\.cuh?\b|CUDA|\.h: error: identifier|\.h\(\d+\): error",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r'error: identifier "(?P<name>__SV\w+_t|__Float\w+_t|__Int8x8_t|__bf16|__mfp8)" is '
        r"undefined",
        "A header of the system uses {name}, which this nvcc does not know.",
        also=r"\bnvcc\b|\.cuh?\b|CUDA",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"bits/floatn(?:-common)?\.h\(\d+\): error: (?P<name>[^\n]{1,120})",
        "A header of the C library does not pass this nvcc: {name}",
        sure=Confidence.MEDIUM,
    ),
    looks_like="mathcalls.h(79): error: exception specification is incompatible with that of "
    'previous function "cospi"',
    explanation="glibc 2.41 added cospi, sinpi and their kin, and 2.42 added rsqrt, with noexcept; CUDA's own "
    "math_functions.h declares the same names without. It strikes on Fedora 42, Ubuntu 25.04, Debian 13, Arch and "
    "openSUSE Tumbleweed. Another gcc does not help.",
    fix="Install a CUDA release that knows this glibc (13.0 for cospi, a later one for rsqrt), build in a container "
    "with an older system, or add noexcept(true) to those declarations in CUDA's crt/math_functions.h.",
    links=(
        "https://github.com/LostRuins/koboldcpp/issues/1521",
        "https://github.com/ggml-org/llama.cpp/issues/17615",
        "https://github.com/ggml-org/llama.cpp/issues/19100",
        "https://github.com/NVIDIA/nccl/issues/1700",
    ),
    explains=(
        "cmake-compiler-broken",
        "pip-build-failed",
    ),
)
