"""The program was built for other GPUs than this one."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "cuda-no-kernel-image",
    "The program has no code for this GPU",
    sign(r"no kernel image is available for execution on the device"),
    sign(
        r"CUDA kernel (?P<kernel>\w+) has no device code compatible with CUDA arch "
        r"(?P<arch>\d+)\.[^\n]{0,80}compiled for: "
        r"(?P<built>[\d,; a-z_]{1,80})",
        "The kernel {kernel} is there for {built}, and the GPU is {arch} (tenths of the compute "
        "capability, times ten).",
    ),
    sign(
        r"hipErrorNoBinaryForGpu|HIP error: (?:invalid device function|no kernel image)",
        "The program has no code for this AMD GPU.",
        text="Build with the GPU's own name: -DAMDGPU_TARGETS=gfx… (rocminfo shows it).",
    ),
    looks_like="CUDA error: no kernel image is available for execution on the device",
    explanation="A CUDA program carries code for the GPU generations that it was compiled for. A newer GPU than "
    "that, or an older one than its builder cared for, finds none.",
    fix="Build again with -DCMAKE_CUDA_ARCHITECTURES=native on this machine (or the GPU's "
    "number, such as 61, 86, 120).",
    links=(
        "https://github.com/ggml-org/llama.cpp/issues/4215",
        "https://github.com/SciSharp/LLamaSharp/issues/162",
        "https://github.com/gpustack/gpustack/issues/1382",
    ),
)
