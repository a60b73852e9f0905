"""Apple's GPUs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.native.backends.verdict import Verdict

if TYPE_CHECKING:
    from coblyn.native.facts import Facts

__all__ = ["INPUTS", "LIBRARIES", "NAME", "cmake_args", "detect", "phrase"]

NAME = "metal"
INPUTS: tuple[str, ...] = ()
LIBRARIES = ("ggml-metal",)


def detect(facts: Facts) -> Verdict:
    """Whether this is Apple silicon with the command line tools."""
    if facts["os"] != "macos":
        return Verdict(False, False, "Metal exists on macOS only.")
    has_sdk = bool(facts["sdk"])
    hint = "" if has_sdk else "Install Apple's command line tools: xcode-select --install"
    if facts["rosetta"]:
        return Verdict(
            True,
            False,
            "This Python is an Intel program that runs under Rosetta, so it cannot load an engine "
            "for this Mac's GPU.",
            "Install a Python for Apple silicon (arm64), and Coblyn in it.",
        )
    if facts["arch"] != "arm64":
        # llama.cpp's Metal kernels are written for Apple's own GPUs; on AMD and Intel GPUs they are
        # slower than the CPU or wrong (llama.cpp issues 6975 and 9157), so they are used only if the
        # user names this backend.
        return Verdict(False, has_sdk, "Metal on Intel Macs is slower than their CPU.", hint)
    if not has_sdk:
        return Verdict(
            True, False, "This Mac's GPU needs an SDK to build for it, and none was found.", hint
        )
    return Verdict(True, True, f"{facts['cpu'] or 'Apple silicon'} has a GPU that Metal drives.")


def cmake_args(facts: Facts, *, portable: bool) -> tuple[str, ...]:  # noqa: ARG001
    """The CMake arguments; the shaders go into the library: no file to lose, no Metal compiler needed."""
    return ("-DGGML_METAL=ON", "-DGGML_METAL_EMBED_LIBRARY=ON")


def phrase(facts: Facts, *, portable: bool) -> str:  # noqa: ARG001
    """The GPU."""
    return f"Metal: {facts['cpu'] or 'GPU'}"
