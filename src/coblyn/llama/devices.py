"""What can compute: the devices that the library sees."""

from __future__ import annotations

from dataclasses import dataclass

from coblyn.llama import bindings
from coblyn.llama.library import Library

__all__ = ["Device", "cpu_features", "describe", "devices"]

_KINDS = {
    bindings.GGML_BACKEND_DEVICE_TYPE_CPU: "cpu",
    bindings.GGML_BACKEND_DEVICE_TYPE_GPU: "gpu",
    bindings.GGML_BACKEND_DEVICE_TYPE_IGPU: "igpu",
    bindings.GGML_BACKEND_DEVICE_TYPE_ACCEL: "accel",
}

_NOT_SHOWN = {"REPACK", "LLAMAFILE", "OPENMP", "SSE3", "SSSE3", "AVX", "F16C", "BMI2"}


@dataclass(frozen=True, slots=True)
class Device:
    """One device.

    Attributes:
        name: Short name, such as "CPU", "CUDA0" or "Metal".
        description: What the vendor calls it.
        kind: "cpu", "gpu", "igpu", "accel" or "other".
    """

    name: str
    description: str
    kind: str


def devices(library: Library) -> tuple[Device, ...]:
    """All devices, GPUs first."""
    found = []
    for index in range(library.ggml_backend_dev_count()):
        pointer = library.ggml_backend_dev_get(index)
        found.append(
            Device(
                name=library.ggml_backend_dev_name(pointer).decode(),
                description=library.ggml_backend_dev_description(pointer).decode(errors="replace"),
                kind=_KINDS.get(library.ggml_backend_dev_type(pointer), "other"),
            )
        )
    order = {"gpu": 0, "igpu": 1, "accel": 2}
    return tuple(sorted(found, key=lambda device: order.get(device.kind, 3)))


def cpu_features(library: Library) -> tuple[str, ...]:
    """Instruction sets that the CPU code uses, in the library's words, such as ``AVX2``."""
    text = library.llama_print_system_info().decode()
    features = []
    for item in text.replace(":", "|").split("|"):
        name, _, value = item.partition("=")
        if value.strip() == "1":
            features.append(name.strip())
    return tuple(features)


def describe(library: Library, *, uses_gpu: bool = True) -> str:
    """One phrase that says what computes, for people, such as ``CPU: AVX2, FMA``."""
    gpus = [device for device in devices(library) if device.kind in ("gpu", "igpu")]
    if gpus and uses_gpu:
        return ", ".join(f"{device.name}: {device.description}" for device in gpus)
    features = [name for name in cpu_features(library) if name not in _NOT_SHOWN]
    return f"CPU: {', '.join(features)}" if features else "CPU, without vector instructions"
