"""nvcc was asked for a GPU generation that it does not know, or knows no longer."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "cuda-arch-unsupported",
    "This CUDA does not know that GPU generation",
    sign(
        r"nvcc fatal ?: Unsupported gpu architecture 'compute_(?P<arch>[1-6]\d|7[02])'",
        "nvcc does not compile for compute capability {arch} (tenths): CUDA 13 dropped all before 75 (Turing), CUDA "
        "12 all before 50.",
        text="For such a GPU use CUDA 12; for a newer one, leave the old generation out of "
        "CMAKE_CUDA_ARCHITECTURES.",
    ),
    sign(
        r"nvcc fatal ?: Unsupported gpu architecture 'compute_(?P<arch>8[0-9]|9\d|"
        r"1\d\d)(?P<variant>[af]?)'",
        "nvcc does not know compute capability {arch}{variant} (tenths): it is older than that GPU. 89 and 90 take "
        "CUDA 11.8, 100 and 120 CUDA 12.8.",
        text="Install a CUDA toolkit that knows the GPU, and see that its nvcc is the one on PATH: distributions "
        "put an old one at /usr/bin/nvcc. Then configure in a fresh build directory.",
    ),
    sign(
        r"nvcc fatal ?: Unsupported gpu architecture 'compute_(?P<arch>\d+\w?)'",
        "nvcc does not know compute capability {arch} (tenths).",
    ),
    sign(
        r"nvcc fatal ?: Value '(?P<arch>(?:sm|compute)_\d+\w?)' is not defined for option "
        r"'gpu-(?:architecture|code)'",
        "nvcc does not know {arch}.",
    ),
    sign(
        r"ptxas (?:fatal|error) ?: Value '(?P<arch>sm_\d+\w?)' is not defined for option 'gpu-name'",
        "ptxas does not know {arch}, although nvcc does: two toolkits are mixed.",
    ),
    sign(
        r"clang(?:\+\+)?: error: unsupported CUDA gpu architecture: (?P<arch>sm_\d+\w?)",
        "This clang does not know {arch}.",
        text="Name a GPU generation that it knows (-DCMAKE_CUDA_ARCHITECTURES), or use a newer clang, or nvcc.",
    ),
    sign(
        r"error: GPU arch (?P<arch>sm_\d+\w?) is supported by CUDA versions between (?P<least>[\d.]+) and "
        r"(?P<most>[\d.]+)",
        "{arch} needs a CUDA from {least} to {most}.",
    ),
    sign(
        r"ValueError: Unknown CUDA arch \((?P<arch>[^)\n]{1,20})\) or GPU not supported",
        "This PyTorch does not know the GPU generation {arch} in TORCH_CUDA_ARCH_LIST.",
        text="Set TORCH_CUDA_ARCH_LIST to what PyTorch and nvcc know (such as 8.6 or 9.0+PTX), or install a newer "
        "PyTorch.",
    ),
    sign(
        r"nvlink (?:fatal|error) ?: Input file '(?P<file>[^'\n]{1,300})' newer than toolkit",
        "{file} was compiled by a newer CUDA than the one that links.",
        sure=Confidence.MEDIUM,
        text="Two CUDA toolkits are mixed: let PATH, CUDACXX and CUDA_PATH lead to one, and build in a fresh "
        "directory.",
    ),
    looks_like="nvcc fatal   : Unsupported gpu architecture 'compute_120'",
    explanation="Each CUDA release compiles for a range of GPU generations: newer GPUs than it, and those dropped "
    "since, are outside.",
    fix="Use a CUDA release that knows the GPU, or set -DCMAKE_CUDA_ARCHITECTURES to what the "
    "GPU has and nvcc knows.",
    links=(
        "https://github.com/ggml-org/llama.cpp/issues/13271",
        "https://github.com/ggml-org/llama.cpp/issues/23224",
        "https://github.com/mlc-ai/mlc-llm/issues/710",
    ),
    explains=(
        "cmake-compiler-broken",
        "pip-build-failed",
    ),
)
