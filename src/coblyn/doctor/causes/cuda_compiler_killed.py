"""A part of nvcc died."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "cuda-compiler-killed",
    "A part of nvcc was killed for want of memory",
    sign(
        r"nvcc error ?: '(?P<name>[\w+]+)' died due to signal 9",
        "{name} was killed by the system (signal 9).",
        command="cmake --build build -j 2",
    ),
    sign(
        r"nvcc error ?: '(?P<name>[\w+]+)' died (?:due to signal (?P<number>\d+)|with status "
        r"0xC\w+)",
        "{name} crashed.",
        text="Build with fewer jobs first (-j 1); if the same file fails again, it is a fault of this nvcc: use "
        "another CUDA release.",
        command="cmake --build build -j 1",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"(?:ptxas|cicc)[^\n]{0,80}(?:out of memory|Memory allocation failure|Cannot allocate "
        r"memory)",
        command="cmake --build build -j 2",
    ),
    sign(
        r"fatal error C1002: compiler is out of heap space|nvcc[^\n]{0,200}The paging file is "
        r"too small",
        command="cmake --build build -j 2",
    ),
    looks_like="nvcc error   : 'cicc' died due to signal 9 (Kill signal)",
    explanation="One nvcc takes up to several GB for the kernels of attention and matrix products, and a parallel "
    "build runs one for each processor.",
    fix="Build with fewer jobs, and name the one GPU generation that you have "
    "(-DCMAKE_CUDA_ARCHITECTURES=86).",
    links=("https://github.com/ggml-org/llama.cpp/issues/23209",),
    explains=(
        "out-of-memory",
        "pip-build-failed",
    ),
)
