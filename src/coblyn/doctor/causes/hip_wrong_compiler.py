"""HIP code went to a compiler other than ROCm's clang."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

_CLANG = (
    "HIPCXX=/opt/rocm/llvm/bin/clang CC=/opt/rocm/llvm/bin/clang CXX=/opt/rocm/llvm/bin/clang++ cmake --fresh -B "
    "build -DGGML_HIP=ON"
)

CAUSE = log_cause(
    "hip-wrong-compiler",
    "HIP code was given to a compiler that does not know it",
    sign(
        r"(?P<name>[\w.+-]{1,40}): error: unrecognized command[- ]line option "
        r"'(?P<option>--offload-arch[^'\n]{0,40}|-x hip|"
        r"--hip-[^'\n]{0,40}|-fgpu-rdc|-mllvm|--amdgpu-[^'\n]{0,40})'",
        "{name} was given {option}, an option of ROCm's clang.",
        command=_CLANG,
    ),
    sign(r"(?:gcc|g\+\+|cc|c\+\+): error: language hip not recognized", command=_CLANG),
    sign(
        r"CMake (?:Error|Warning)[^\n]{0,300} Only LLVM is supported for HIP",
        "The C++ compiler is not clang.",
        command=_CLANG,
        also=r"\berror:|FAILED|errors occurred|\*\*\* \[",
    ),
    sign(
        r"(?:CMAKE_HIP_COMPILER is set to the hipcc wrapper|CMake does not support hipcc as HIP "
        r"compiler)",
        "CMake was told to use hipcc, and takes ROCm's clang itself only.",
        command=_CLANG,
    ),
    looks_like="g++: error: unrecognized command-line option '--offload-arch=gfx1030'",
    explanation="Only ROCm's clang compiles for AMD GPUs. Where CC, CXX or the cache name gcc, it gets options that "
    "it does not know.",
    fix="Name ROCm's clang, in a fresh build directory.",
    links=(
        "https://github.com/ggml-org/llama.cpp/issues/4944",
        "https://github.com/abetlen/llama-cpp-python/issues/1066",
    ),
    explains=(
        "cmake-compiler-broken",
        "pip-build-failed",
    ),
)
