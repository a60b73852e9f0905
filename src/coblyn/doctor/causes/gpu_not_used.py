"""Layers were asked for on the GPU, and none is there to take them."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence, Severity

CAUSE = log_cause(
    "gpu-not-used",
    "The program was built without an accelerator, and computes on the CPU",
    sign(
        r"no usable GPU found, --?(?:n-)?gpu-layers option will be ignored",
        "The layers that were asked for on the GPU stay on the CPU.",
    ),
    sign(
        r"not compiled with GPU offload support, --(?:n-)?gpu-layers option will be ignored",
        "The layers that were asked for on the GPU stay on the CPU.",
    ),
    sign(r"warning: one possible reason is that llama\.cpp was compiled without GPU support"),
    sign(
        r"offloaded 0/(?P<all>\d+) layers to GPU",
        "Of {all} layers, none is on the GPU.",
        sure=Confidence.MEDIUM,
        severity=Severity.RISK,
    ),
    sign(
        r"Warning: (?:Your|Selected) (?P<what>[^\n]{1,60}?) (?:is not available|not found|could "
        r"not be)[^\n]{0,80}(?:fall(?:ing)? ?back|CPU|[Nn]on-?BLAS)",
        "{what} is not there, and the program goes on without.",
        sure=Confidence.MEDIUM,
        severity=Severity.RISK,
    ),
    sign(
        r"\bBLAS = 0\b",
        "The system line says BLAS = 0.",
        also=r"n_gpu_layers|n-gpu-layers|-ngl|CUBLAS|CUDA|METAL",
        unless=r"\bBLAS = 1\b",
        sure=Confidence.LOW,
        severity=Severity.RISK,
    ),
    looks_like="warning: no usable GPU found, --gpu-layers option will be ignored; offloaded "
    "0/33 layers to GPU",
    explanation="The program was compiled without CUDA, Metal, Vulkan or HIP (an option by an old name, a cached "
    "wheel, a missing toolkit), or its backend could not be loaded. It works, many times slower.",
    fix="Build again with the accelerator, past pip's cache and in a fresh build directory, and look in its output "
    "for “Including CUDA backend” (or Metal, Vulkan, HIP).",
    links=(
        "https://github.com/noonghunna/club-3090/issues/186",
        "https://github.com/abetlen/llama-cpp-python/issues/514",
        "https://github.com/abetlen/llama-cpp-python/issues/1723",
    ),
)
