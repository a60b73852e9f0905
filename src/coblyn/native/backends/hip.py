"""AMD's GPUs through ROCm."""

from __future__ import annotations

from coblyn.native.backends.verdict import Verdict
from coblyn.native.facts import Facts, is_at_least

__all__ = ["INPUTS", "LIBRARIES", "NAME", "cmake_args", "detect", "phrase"]

NAME = "hip"
INPUTS = ("hip.version",)
LIBRARIES = ("ggml-hip",)

_MIN_ROCM = "6.1"
# The consumer and data-centre GPUs that ROCm 6 supports, for a build that is not for this machine's
# GPU.
_TARGETS = ("gfx908", "gfx90a", "gfx942", "gfx1030", "gfx1100", "gfx1101", "gfx1102")


def detect(facts: Facts) -> Verdict:
    """Whether there is a GPU that the kernel driver knows, and ROCm."""
    targets, version = facts["hip.targets"], facts["hip.version"]
    install = f"Install ROCm {_MIN_ROCM} or newer, then run: coblyn build --backend hip"
    if facts["os"] == "macos":
        return Verdict(False, False, "ROCm does not exist on macOS.")
    if facts["os"] == "windows":
        # CMake does not support HIP as a language there, so it takes another path through llama.cpp's
        # build.
        return Verdict(False, False, "HIP is built on Linux only.", "coblyn build --backend vulkan")
    device = bool(targets)
    if not facts["hip.compiler"]:
        missing = "hipconfig was not found."
        return Verdict(
            device, False, f"{targets} cannot be used: {missing}" if device else missing, install
        )
    if not is_at_least(version, _MIN_ROCM):
        return Verdict(
            device, False, f"ROCm {version or '?'} is too old: {_MIN_ROCM} is needed.", install
        )
    if not device:
        return Verdict(False, True, f"ROCm {version} is there, but the kernel shows no AMD GPU.")
    return Verdict(True, True, f"{targets} with ROCm {version}.")


def cmake_args(facts: Facts, *, portable: bool) -> tuple[str, ...]:
    """The CMake arguments: kernels for the GPUs present, or for all common ones."""
    here = facts.words("hip.targets")
    targets = here if here and not portable else _TARGETS
    compiler = (f"-DCMAKE_HIP_COMPILER={facts['hip.clang']}",) if facts["hip.clang"] else ()
    return (
        "-DGGML_HIP=ON",
        f"-DGPU_TARGETS={';'.join(targets)}",
        *compiler,
        # On by default upstream in some releases, and then a hard requirement that few machines
        # meet.
        "-DGGML_HIP_RCCL=OFF",
        "-DGGML_CUDA_FA_QUANTS=f16-f16;bf16-bf16;q8_0-q8_0;q4_0-q4_0;q5_1-q5_1",
    )


def phrase(facts: Facts, *, portable: bool) -> str:
    """The GPUs that the kernels are for."""
    here = facts["hip.targets"]
    return f"ROCm {facts['hip.version']}: {here if here and not portable else 'all common GPUs'}"
