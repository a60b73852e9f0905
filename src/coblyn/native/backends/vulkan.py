"""GPUs of all vendors through Vulkan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.native.backends.verdict import Verdict

if TYPE_CHECKING:
    from coblyn.native.facts import Facts

__all__ = ["INPUTS", "LIBRARIES", "NAME", "cmake_args", "detect", "phrase"]

NAME = "vulkan"
INPUTS = ("vulkan.glslc.version",)
LIBRARIES = ("ggml-vulkan",)

_INSTALL = {
    "linux": "Install Vulkan's build tools: apt install glslc libvulkan-dev spirv-headers, or "
    "dnf install glslc vulkan-loader-devel spirv-headers-devel",
}
_SDK = "Install the newest Vulkan SDK from LunarG and set VULKAN_SDK to it"


def detect(facts: Facts) -> Verdict:
    """Whether there is a render device, the shader compiler, the Vulkan headers and the SPIR-V headers."""
    device = bool(facts["vulkan.devices"]) and facts["os"] != "macos"
    needed = {
        "glslc": facts["vulkan.glslc"],
        "vulkan/vulkan_core.h": facts["vulkan.header"],
        "SPIRV-HeadersConfig.cmake": facts["vulkan.spirv-headers"],
    }
    missing = ", ".join(name for name, value in needed.items() if not value)
    if missing:
        hint = f"{_INSTALL.get(facts['os'], _SDK)}; then run: coblyn build --backend vulkan"
        what = (
            "A GPU is there that Vulkan may drive, but not what to build for it"
            if device
            else "Not found"
        )
        return Verdict(device, False, f"{what}: {missing}.", hint)
    if not facts["vulkan.layer-settings"]:
        # Observed with version 1.3.239 of Debian 12: llama.cpp 0.5.0 uses the extension without checking.
        old = f"Vulkan's headers are too old ({facts['vulkan.header.version'] or '?'})"
        return Verdict(device, False, f"{old}: they lack VK_EXT_layer_settings.", _SDK)
    if not device:
        return Verdict(False, True, "Vulkan's build tools are there, but no GPU was found.")
    return Verdict(True, True, f"{facts['vulkan.devices']} and Vulkan's build tools are there.")


def cmake_args(facts: Facts, *, portable: bool) -> tuple[str, ...]:  # noqa: ARG001
    """The CMake arguments; shaders are compiled for Vulkan, independent of the GPU."""
    return ("-DGGML_VULKAN=ON", f"-DVulkan_GLSLC_EXECUTABLE={facts['vulkan.glslc']}")


def phrase(facts: Facts, *, portable: bool) -> str:  # noqa: ARG001
    """Any GPU."""
    return "Vulkan: any GPU with a Vulkan driver"
