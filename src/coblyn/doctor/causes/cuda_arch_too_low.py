"""Device code that needs a newer GPU generation than one that it is compiled for."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

_HIP = r"\bhipcc\b|/opt/rocm|HIP compiler"
_HALF = (
    r"__h(?:add|sub|mul|fma|neg|div|exp|abs|eq|ne|gt|lt|ge|le)2?(?:_\w+)?|__hfma2|h2?(?:exp|log|rcp"
    r"|sqrt|rsqrt)2?"
    r"|__(?:half2|float2half|low2half|high2half)\w*|__dp[24]a"
)

CAUSE = log_cause(
    "cuda-arch-too-low",
    "The CUDA code needs a newer GPU generation than one that it is compiled for",
    sign(
        r"error ?: Feature '(?P<name>[^'\n]{1,60})' requires \.target (?P<least>sm_\d+\w?) or higher",
        "{name} is there from {least} on, and the build compiles for an older generation too.",
    ),
    sign(
        rf"error: identifier \"(?P<name>{_HALF})\" is undefined",
        "{name} is there from compute capability 5.3 or 6.1 on, and the build compiles for an older generation too.",
        also=r"(?:compute_|sm_)(?:2\d|3\d|5[02]|60)\b",
        unless=_HIP,
    ),
    sign(
        rf"error: identifier \"(?P<name>{_HALF})\" is undefined",
        "{name} is there from compute capability 5.3 or 6.1 on; the build seems to compile for an older generation.",
        unless=_HIP,
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"error: (?:no suitable (?:conversion|constructor|user-defined conversion)[^\n]{0,60}|more than one "
        r"conversion function from )\"(?:const )?(?P<name>__half|half|__half2|__nv_bfloat16|nv_bfloat16)\"",
        "Arithmetic with {name} is missing: the headers leave it out for GPU generations that do not have it.",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"error: no operator \"[^\"\n]{1,4}\" matches these operands\s{1,80}operand types are: (?:const )?"
        r"(?P<name>__half2?|half2?|__nv_bfloat16|nv_bfloat16)",
        "Arithmetic with {name} is missing: the headers leave it out for GPU generations that do not have it, and "
        "where __CUDA_NO_HALF_OPERATORS__ is defined (PyTorch's extensions do so).",
        text="Compile for the GPU at hand alone: TORCH_CUDA_ARCH_LIST=8.6 (or -DCMAKE_CUDA_ARCHITECTURES=86). If it "
        "stays, add -U__CUDA_NO_HALF_OPERATORS__ -U__CUDA_NO_HALF_CONVERSIONS__ to nvcc's flags.",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"error: no instance of overloaded function \"(?P<name>atomic(?:Add|CAS|Max))\" matches the argument list"
        r"(?=[\s\S]{0,120}(?:double|half|bfloat))",
        "{name} of that type is there from compute capability 6.0 (double) or 7.0 (half) on, and the build compiles "
        "for an older generation too.",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"error: (?:namespace \"nvcuda\" has no member \"(?P<name>wmma)\"|name must be a namespace name"
        r"[\s\S]{0,80}nvcuda|incomplete type[^\n]{0,60}wmma)",
        "Tensor cores (wmma) are there from compute capability 7.0 on, and the build compiles for an older generation "
        "too.",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"(?P<name>FlashAttention|Flash Attention|flash[-_ ]attn|xFormers|Marlin|AWQ)[^\n]{0,40} (?:only "
        r"supports|requires|needs) "
        r"(?P<least>Ampere|sm_?\d+|compute capability)[^\n]{0,60}",
        "{name} has no code for GPUs before {least}.",
        text="Use a release for older GPUs, or switch that kernel off.",
        sure=Confidence.MEDIUM,
    ),
    looks_like="error: identifier \"__hfma2\" is undefined; Feature 'cp.async' requires .target sm_80 or higher",
    explanation="The same source is compiled once for each GPU generation in the list. What an old generation lacks, "
    "half precision, tensor cores, asynchronous copies, is missing in its headers, and one such entry in the list "
    "stops the build, although the GPU at hand would do.",
    fix="Compile for the GPU at hand alone: -DCMAKE_CUDA_ARCHITECTURES=86 (RTX 30; 75 for RTX 20, 89 for RTX 40, 120 "
    "for RTX 50), for PyTorch's extensions TORCH_CUDA_ARCH_LIST=8.6, in a fresh build directory.",
    links=(
        "https://github.com/turboderp-org/exllamav2/issues/380",
        "https://github.com/NVIDIA/TensorRT/issues/1003",
        "https://github.com/nerfstudio-project/gsplat/issues/146",
    ),
    explains=("pip-build-failed",),
)
