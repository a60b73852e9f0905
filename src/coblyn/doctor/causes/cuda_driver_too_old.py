"""The driver is older than the CUDA that the program was built with."""

from __future__ import annotations

from coblyn.doctor.causes._machine import cuda_driver
from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.causes._tree import also
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "cuda-driver-too-old",
    "The NVIDIA driver is older than this CUDA",
    sign(r"CUDA driver version is insufficient for CUDA runtime version"),
    sign(r"the provided PTX was compiled with an unsupported toolchain"),
    sign(
        r"nvidia-container-cli: requirement error: unsatisfied condition: "
        r"cuda[>=]{1,2}(?P<want>[\d.]+)",
        "The container asks for a driver that knows CUDA {want}.",
    ),
    sign(r"forward compatibility was attempted on non supported HW"),
    sign(
        r"Failed to initialize NVML: Driver/library version mismatch",
        "The driver was updated, and its older kernel part is still running.",
        text="Restart the machine.",
        command="sudo reboot",
    ),
    sign(
        r"system has unsupported display driver / cuda driver combination", sure=Confidence.MEDIUM
    ),
    looks_like="CUDA driver version is insufficient for CUDA runtime version",
    explanation="A driver runs programs of its own CUDA version and older ones. nvidia-smi shows in its upper right "
    "corner the newest CUDA that the driver knows. In a container the driver is the host's.",
    fix="Update the NVIDIA driver, or build (or choose a wheel or image) with the CUDA version that nvidia-smi "
    "shows, or an older one.",
    links=(
        "https://github.com/abetlen/llama-cpp-python/issues/880",
        "https://github.com/ggml-org/llama.cpp/issues/4215",
    ),
)

CAUSE = also(CAUSE, lambda case: cuda_driver(CAUSE, case))
