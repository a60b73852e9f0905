"""The CPU, which is always available."""

from __future__ import annotations

from coblyn.native.backends.verdict import Verdict
from coblyn.native.facts import Facts, accelerated_features

__all__ = ["INPUTS", "LIBRARIES", "NAME", "cmake_args", "detect", "phrase"]

NAME = "cpu"
INPUTS: tuple[str, ...] = ()
LIBRARIES: tuple[str, ...] = ()


def detect(facts: Facts) -> Verdict:
    """Every machine has one."""
    return Verdict(
        True,
        True,
        f"No accelerator that can be used was found; {facts['cpu'] or 'the CPU'} does the work.",
    )


def cmake_args(facts: Facts, *, portable: bool) -> tuple[str, ...]:  # noqa: ARG001
    """The CMake arguments; on Apple's systems, Metal is on unless it is turned off."""
    return ("-DGGML_METAL=OFF",) if facts["os"] == "macos" else ()


def phrase(facts: Facts, *, portable: bool) -> str:
    """The CPU that the code is compiled for."""
    if portable:
        return "CPU: all variants, the best one is chosen at start"
    features = ", ".join(accelerated_features(facts.words("cpu.features")))
    return f"CPU: {features or 'what the compiler finds'}"
