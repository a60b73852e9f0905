"""An AMD GPU for which ROCm has no code."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "hip-arch-unsupported",
    "ROCm has no code for this AMD GPU",
    sign(
        r"rocBLAS error: Cannot read [^\n]{0,300}TensileLibrary\.dat: [^\n]{1,60} for GPU arch "
        r"?: ?(?P<arch>gfx\w+)",
        "rocBLAS has no kernels for {arch}, which it found in this machine.",
    ),
    sign(
        r"rocBLAS error: Cannot read [^\n]{0,300}TensileLibrary\.dat",
        "rocBLAS has no kernels for this GPU.",
    ),
    sign(
        r"error: invalid target ID '(?P<arch>gfx\w*[^'\n]{0,20})'",
        "This ROCm's compiler does not know {arch}.",
        text="Name the GPU as rocminfo does (-DAMDGPU_TARGETS=gfx1100), or install a ROCm that "
        "knows it.",
    ),
    sign(
        r"error: cannot determine (?:amdgcn|AMDGPU|hip) (?:gpu )?arch[^\n]{0,100}",
        "The compiler asked for the GPU of this machine, and found none.",
        text="Name the GPU: -DAMDGPU_TARGETS=gfx1100 (rocminfo shows the name on the machine "
        "that has it).",
    ),
    sign(
        r"error: unsupported HIP gpu architecture: (?P<arch>[^\n]{1,40})",
        "This ROCm's compiler does not know {arch}.",
    ),
    sign(
        r"Unable to find (?:agent|code object)[^\n]{0,60}(?P<arch>gfx\w+)", sure=Confidence.MEDIUM
    ),
    sign(
        r"error: '__builtin_amdgcn_\w{1,60}' needs target feature (?P<feature>[\w-]{1,40})",
        "One of the GPUs in the list of targets lacks {feature}.",
        text="Name the GPU that you have alone: -DAMDGPU_TARGETS=gfx1100 (or GPU_TARGETS= with "
        "make).",
    ),
    looks_like="rocBLAS error: Cannot read …/TensileLibrary.dat: No such file or directory for "
    "GPU arch : gfx1032",
    explanation="ROCm's libraries carry kernels for a few GPUs only. Integrated GPUs and many Radeons are not among "
    "them; an unsupported integrated GPU can also get into the way of a supported card.",
    fix="With a GPU of the same family as a supported one, set HSA_OVERRIDE_GFX_VERSION (10.3.0 for gfx103x, 11.0.0 "
    "for gfx110x, Linux only); hide an integrated GPU with HIP_VISIBLE_DEVICES=0; else use the Vulkan backend.",
    links=(
        "https://github.com/LostRuins/koboldcpp/issues/676",
        "https://github.com/ggml-org/llama.cpp/issues/14421",
        "https://github.com/ROCm/rocBLAS/issues/1339",
        "https://github.com/ROCm/legacy-rocm-build/issues/2719",
    ),
    explains=("cmake-compiler-broken",),
)
