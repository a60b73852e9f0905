"""A CUDA program that sees no GPU."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "cuda-no-device",
    "The program sees no NVIDIA GPU",
    sign(r"ggml_cuda_init: failed to initialize CUDA: (?P<why>[^\n]{1,100})", "CUDA says: {why}"),
    sign(r"CUDA error[^\n]{0,120}no CUDA-capable device is detected"),
    sign(r"no CUDA-capable device is detected"),
    sign(r"ggml_cuda_init: found 0 CUDA devices"),
    sign(
        r"NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver",
        "nvidia-smi can not talk to the driver.",
    ),
    sign(
        r"could not select device driver \"[^\"\n]{0,40}\" with capabilities: \[\[gpu\]\]",
        "Docker has no runtime for NVIDIA GPUs.",
        text="Install the NVIDIA container toolkit, and restart docker.",
    ),
    sign(
        r"ggml_hip_init: [^\n]{0,80}no ROCm-capable device is detected|no ROCm-capable device is "
        r"detected",
        "ROCm sees no GPU.",
        text="See that the user is in the groups render and video, and that /dev/kfd and "
        "/dev/dri are given to a container.",
        sure=Confidence.MEDIUM,
    ),
    looks_like="ggml_cuda_init: failed to initialize CUDA: no CUDA-capable device is detected",
    explanation="The program can do CUDA, but the driver is not loaded, the container was started without the GPU, "
    "or CUDA_VISIBLE_DEVICES hides it.",
    fix="See that nvidia-smi works on this very system; start containers with --gpus all; unset "
    "CUDA_VISIBLE_DEVICES.",
    links=("https://github.com/abetlen/llama-cpp-python/issues/880",),
)
