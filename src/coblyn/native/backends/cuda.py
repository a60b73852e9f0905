"""NVIDIA's GPUs."""

from __future__ import annotations

from coblyn.native.backends.verdict import Verdict
from coblyn.native.facts import Facts, is_at_least

__all__ = ["INPUTS", "LIBRARIES", "NAME", "cmake_args", "detect", "phrase"]

NAME = "cuda"
INPUTS = ("cuda.version",)
LIBRARIES = ("ggml-cuda",)

# Upstream's four pairs of key and value types for flash attention, and KoboldCPP's q5_1 cache. A
# pair that is not compiled is converted at every step, which is slow.
_CACHE_PAIRS = "f16-f16;bf16-bf16;q8_0-q8_0;q4_0-q4_0;q5_1-q5_1"

# Architectures for a build that is not for this machine's GPU, and the toolkit that brought each.
# Source: the table in ggml-cuda's CMakeLists.txt of the pinned release.
_ARCHITECTURES = (
    ("75-virtual", "10.0"),
    ("80-virtual", "11.0"),
    ("86-real", "11.1"),
    ("89-real", "11.8"),
    ("90-virtual", "11.8"),
    ("120a-real", "12.8"),
    ("121a-real", "12.9"),
)
_BEFORE_13 = ("50-virtual", "61-virtual", "70-virtual")


def detect(facts: Facts) -> Verdict:
    """Whether there is a GPU that the driver knows, and the toolkit."""
    devices, compiler = facts["cuda.devices"], facts["cuda.compiler"]
    if facts["os"] == "macos":
        return Verdict(False, False, "CUDA does not exist on macOS.")
    if devices and compiler:
        return Verdict(
            True,
            True,
            f"{devices} with driver {facts['cuda.driver']}, CUDA {facts['cuda.version']}.",
        )
    install = "Install NVIDIA's CUDA toolkit, then run: coblyn build --backend cuda"
    if devices:
        return Verdict(True, False, f"{devices} cannot be used: nvcc was not found.", install)
    if compiler:
        return Verdict(
            False, True, f"CUDA {facts['cuda.version']} is there, but nvidia-smi shows no GPU."
        )
    return Verdict(
        False, False, "Neither a GPU (nvidia-smi) nor a CUDA toolkit (nvcc) was found.", install
    )


def cmake_args(facts: Facts, *, portable: bool) -> tuple[str, ...]:
    """The CMake arguments: kernels for the GPUs present, or for all common ones."""
    return (
        "-DGGML_CUDA=ON",
        f"-DCMAKE_CUDA_COMPILER={facts['cuda.compiler']}",
        f"-DCMAKE_CUDA_ARCHITECTURES={';'.join(_architectures(facts, portable=portable))}",
        f"-DGGML_CUDA_FA_QUANTS={_CACHE_PAIRS}",
        # The GPUs of one machine communicate without it, and it would be one more library to find
        # at start.
        "-DGGML_CUDA_NCCL=OFF",
    )


def phrase(facts: Facts, *, portable: bool) -> str:
    """The GPUs that the kernels are for."""
    if portable or not facts["cuda.devices"]:
        return f"CUDA {facts['cuda.version']}: all common GPUs"
    return f"CUDA {facts['cuda.version']}: {facts['cuda.devices']}"


def _architectures(facts: Facts, *, portable: bool) -> tuple[str, ...]:
    here = facts.words("cuda.capabilities")
    if here and not portable:
        return tuple(f"{_specific(capability.replace('.', ''))}-real" for capability in here)
    version = facts["cuda.version"]
    old = () if is_at_least(version, "13.0") else _BEFORE_13
    return (*old, *(name for name, since in _ARCHITECTURES if is_at_least(version, since)))


def _specific(architecture: str) -> str:
    # Blackwell's FP4 instructions exist only in the architecture-specific variant.
    return f"{architecture}a" if architecture.startswith("12") else architecture
