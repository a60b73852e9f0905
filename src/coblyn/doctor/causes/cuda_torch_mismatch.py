"""An extension of PyTorch is compiled with another CUDA than PyTorch itself."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "cuda-torch-mismatch",
    "PyTorch was built with another CUDA than the one installed",
    sign(
        r"The detected CUDA version \((?P<have>[\d.]+)\) mismatches the version that was used to "
        r"compile PyTorch \((?P<want>[\d.]+)\)",
        "nvcc is of CUDA {have}, and PyTorch was built with {want}.",
    ),
    sign(
        r"Required library version not found: (?P<name>libbitsandbytes_\w{1,40}\.so)",
        "bitsandbytes looks for {name}, a build of its own for the CUDA of this PyTorch, and has none.",
        command="pip install --upgrade --force-reinstall bitsandbytes",
        text="If it stays, install a PyTorch for a CUDA that bitsandbytes has a build for.",
    ),
    looks_like="The detected CUDA version (12.4) mismatches the version that was used to compile "
    "PyTorch (11.8).",
    explanation="PyTorch refuses to compile extensions with another major version of CUDA than "
    "its own, for they could not be loaded together.",
    fix="Install PyTorch for the CUDA that is here (its index has cu118, cu121, cu124, …), or "
    "that CUDA's toolkit, and point CUDA_HOME at it.",
    links=("https://github.com/pytorch/extension-cpp/issues/122",),
    explains=("pip-build-failed",),
)
