"""The GPU's memory does not hold what is asked of it."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "gpu-out-of-memory",
    "The model does not fit into the GPU's memory",
    sign(
        r"allocating (?P<size>[\d.,]+ ?Mi?B) on device (?P<device>\d+): cudaMalloc failed: out "
        r"of memory",
        "Device {device} has no {size} left.",
    ),
    sign(r"(?:cuda|hip)Malloc failed: out of memory"),
    sign(r"(?:CUDA|ROCm|HIP) error(?: \d+)?[^\n]{0,120}: out of memory"),
    sign(r"kIOGPUCommandBufferCallbackErrorOutOfMemory", "Metal had not enough memory for a step."),
    sign(
        r"ggml_metal\w*: error: failed to allocate (?P<what>[^\n]{1,100})",
        "Metal could not allocate {what}.",
    ),
    sign(
        r"ggml_vulkan: (?:Device memory allocation of size (?P<size>\d+) failed|Failed to "
        r"allocate)[^\n]{0,80}",
        "Vulkan could not allocate {size} bytes.",
    ),
    sign(r"(?:ErrorOutOfDeviceMemory|vk::OutOfDeviceMemoryError)"),
    sign(
        r"unable to allocate (?P<what>(?:CUDA|ROCm|Vulkan|Metal|SYCL)\w* ?buffer)",
        "The {what} could not be allocated.",
    ),
    sign(
        r"failed to allocate (?P<what>(?:CUDA|ROCm|Vulkan|Metal|SYCL)\w* buffer of size \d+)",
        "No memory for a {what} bytes.",
    ),
    looks_like="cudaMalloc failed: out of memory; unable to allocate CUDA0 buffer",
    explanation="Weights, the cache for the context and the buffers of a step all lie in the "
    "GPU's memory, which other programs use too.",
    fix="Put fewer layers on the GPU, take a smaller context, a quantized cache or a smaller "
    "quantization; close other programs that use the GPU.",
    links=(
        "https://github.com/ggml-org/llama.cpp/issues/7366",
        "https://github.com/ggml-org/llama.cpp/issues/20431",
        "https://github.com/mozilla-ai/llamafile/issues/372",
    ),
    explains=("out-of-memory",),
)
