"""The library's devices, and the features its backends were compiled with."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

from coblyn.errors import EngineError
from coblyn.llama import bindings
from coblyn.llama.library import Library
from coblyn.llama.placement import Device, Placement

__all__ = [
    "Device",
    "Memory",
    "add_remote",
    "backends",
    "cpu_features",
    "describe",
    "devices",
    "features",
    "memory",
]

_KINDS = {
    bindings.GGML_BACKEND_DEVICE_TYPE_CPU: "cpu",
    bindings.GGML_BACKEND_DEVICE_TYPE_GPU: "gpu",
    bindings.GGML_BACKEND_DEVICE_TYPE_IGPU: "igpu",
    bindings.GGML_BACKEND_DEVICE_TYPE_ACCEL: "accel",
}

_NOT_SHOWN = {"REPACK", "LLAMAFILE", "OPENMP", "SSE3", "SSSE3", "AVX", "F16C", "BMI2"}


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of a device in bytes; both are 0 if the driver does not report it."""

    free: int
    total: int


def backends(library: Library) -> tuple[str, ...]:
    """Names of the backends that are registered, such as ("CUDA", "CPU")."""
    pointers = map(library.ggml_backend_reg_get, range(library.ggml_backend_reg_count()))
    return tuple(library.ggml_backend_reg_name(pointer).decode() for pointer in pointers)


def devices(library: Library) -> tuple[Device, ...]:
    """All devices, GPUs first."""
    pointers = map(library.ggml_backend_dev_get, range(library.ggml_backend_dev_count()))
    order = {"gpu": 0, "igpu": 1, "accel": 2}
    found = [_device(library, pointer) for pointer in pointers]
    return tuple(sorted(found, key=lambda device: order.get(device.kind, 3)))


def memory(library: Library, name: str) -> Memory:
    """Memory of the device of that name."""
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    library.ggml_backend_dev_memory(library.ggml_backend_dev_by_name(name.encode()), free, total)
    return Memory(free.value, total.value)


def features(library: Library) -> dict[str, tuple[str, ...]]:
    """The compiled features of each backend, by the library's names, such as ``{"CPU": ("AVX2", "FMA")}``."""
    found: dict[str, tuple[str, ...]] = {}
    owner = ""
    # Items look like "CUDA : ARCHS = 860" where a backend begins, and like "AVX2 = 1" after it.
    for item in library.llama_print_system_info().decode().split("|"):
        before, colon, rest = item.rpartition(" : ")
        if colon:
            owner = before.strip()
        name, _, value = rest.partition("=")
        if owner and name.strip() and value.strip() not in ("", "0"):
            text = name.strip() if value.strip() == "1" else f"{name.strip()}={value.strip()}"
            found[owner] = (*found.get(owner, ()), text)
    return found


def cpu_features(library: Library) -> tuple[str, ...]:
    """Instruction sets that the CPU code uses, by the library's names, such as ``AVX2``."""
    return features(library).get("CPU", ())


def describe(placement: Placement, accelerator: str = "") -> str:
    """One phrase that tells users what computes, such as ``CPU: AVX2, FMA``.

    Args:
        placement: The model's placement.
        accelerator: Instruction set of the CPU kernels, if they are in use.
    """
    used = [each for each in placement.accelerators if each.name in placement.accelerated_by]
    if used:
        phrase = ", ".join(f"{device.name}: {device.description}" for device in used)
        if placement.on_devices < placement.num_layers:
            phrase += f"; {placement.on_devices} of {placement.num_layers} layers"
        return phrase
    shown = [name for name in placement.cpu_features if name not in _NOT_SHOWN]
    phrase = f"CPU: {', '.join(shown)}" if shown else "CPU, without vector instructions"
    return f"{phrase}; Coblyn's own products: {accelerator}" if accelerator else phrase


def add_remote(library: Library, endpoint: str) -> None:
    """Add the devices of a llama.cpp RPC server to the library's devices.

    Args:
        library: The opened bundle.
        endpoint: Host and port, such as "127.0.0.1:50052". The library ends the process if nobody answers there.

    Raises:
        EngineError: The bundle has no RPC backend, or the server has no devices.
    """
    registry = library.ggml_backend_reg_by_name(b"RPC")
    address = registry and library.ggml_backend_reg_get_proc_address(
        registry, b"ggml_backend_rpc_add_server"
    )
    if not address:
        raise EngineError("This engine was built without RPC.", hint="coblyn build --force")
    add_server = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_char_p)(address)
    server = add_server(endpoint.encode())
    if not server:
        raise EngineError(f"The RPC server {endpoint} offers no device.")
    library.ggml_backend_register(server)


def _device(library: Library, pointer: int) -> Device:
    registry = library.ggml_backend_dev_backend_reg(pointer)
    memory_type = library.ggml_backend_dev_buffer_type(pointer)
    return Device(
        name=library.ggml_backend_dev_name(pointer).decode(),
        description=library.ggml_backend_dev_description(pointer).decode(errors="replace"),
        kind=_KINDS.get(library.ggml_backend_dev_type(pointer), "other"),
        backend=library.ggml_backend_reg_name(registry).decode(),
        buffer=library.ggml_backend_buft_name(memory_type).decode(),
    )
