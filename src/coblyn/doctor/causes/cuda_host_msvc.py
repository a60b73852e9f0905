"""nvcc does not know this Visual Studio."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "cuda-host-msvc",
    "This Visual Studio and this CUDA do not fit",
    sign(
        r"unsupported Microsoft Visual Studio version! Only the versions between "
        r"(?P<least>\d{4}) and (?P<most>\d{4})",
        "This nvcc takes Visual Studio {least} to {most} in the versions that were out when it "
        "was made.",
    ),
    sign(
        r"\bSTL1002\W{1,4}Unexpected compiler version, expected CUDA (?P<least>[\d.]+\d)[^\n]{0,20} or newer",
        "This Visual Studio's headers ask for CUDA {least} or newer.",
    ),
    sign(
        r"error:? STL1002\b",
        "This Visual Studio's headers ask for a newer CUDA.",
    ),
    looks_like="#error: -- unsupported Microsoft Visual Studio version! Only the versions between 2017 and 2022 "
    "(inclusive) are supported!",
    explanation="nvcc hands half of each file to Visual Studio's compiler and checks its version. Visual Studio "
    "updates itself, CUDA does not: CUDA before 12.4 does not take MSVC 14.40 (Visual Studio 2022 17.10), although "
    "it is a “2022”.",
    fix="Update CUDA to 12.4 or later, or install an older MSVC toolset beside (v14.39 in the Visual Studio "
    "Installer) and choose it with -T v143,version=14.39.",
    links=(
        "https://github.com/abetlen/llama-cpp-python/issues/1586",
        "https://github.com/abetlen/llama-cpp-python/issues/1543",
        "https://github.com/ggml-org/llama.cpp/issues/8628",
    ),
    explains=(
        "cmake-compiler-broken",
        "pip-build-failed",
    ),
)
