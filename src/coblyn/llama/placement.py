"""The placement of a loaded model on devices, read from llama.cpp's log.

The log's line "offloaded 31/31 layers to GPU" is not used: llama.cpp writes the requested number, even without a GPU.
The devices in use and the memory allocated there are used instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["NOWHERE", "Device", "Placement", "Share", "read_placement"]

_MIB = 2**20

# The forms of llama.cpp 0.5.0: src/llama.cpp, llama-model.cpp, llama-context.cpp, llama-kv-cache.cpp.
_USES = re.compile(r": using device (\S+) \(")
_LAYERS = re.compile(r": offloaded \d+/(\d+) layers to GPU")
_BUFFER = re.compile(
    r":\s+(\S+)\s+(model|KV|RS|compute|output) buffer size =\s+(\d+(?:\.\d+)?) MiB"
)
# Of a prompt and of a single token, where they differ: the second is what a text is made of.
_SPLITS = re.compile(r"\bsplits = (?:\d+ / )?(\d+)")


@dataclass(frozen=True, slots=True)
class Device:
    """One device that the library sees.

    Attributes:
        name: Short name, such as "CPU", "CUDA0" or "MTL0".
        description: What the vendor calls it.
        kind: "cpu", "gpu", "igpu", "accel" or "other".
        backend: Name of the backend that drives it, such as "CUDA".
        buffer: Name of its memory in the library's log, such as "CUDA0".
    """

    name: str
    description: str = ""
    kind: str = "gpu"
    backend: str = ""
    buffer: str = ""

    @property
    def is_accelerator(self) -> bool:
        """Whether layers can be put on it; what only helps the CPU (BLAS, AMX) is none."""
        return self.kind in ("gpu", "igpu")

    def owns(self, buffer: str) -> bool:
        """Whether a buffer of that name is in its memory, not beside the CPU for it (``CUDA_Host``)."""
        return buffer in (self.buffer, self.name) or buffer.startswith(
            (f"{self.name}_", f"{self.name}[")
        )


@dataclass(frozen=True, slots=True)
class Share:
    """What a device holds of a model, in bytes; ``device`` is "CPU" for all that is in main memory."""

    device: str
    weights: int = 0
    cache: int = 0
    compute: int = 0


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a model is.

    Attributes:
        gpu_layers: Layers that were asked onto accelerators; negative for all.
        num_layers: Layers that could be there, the output layer among them; 0 if no model is loaded.
        on_devices: Layers that are.
        devices: All devices that the library sees.
        shares: What each device holds, the accelerators first.
        graph_splits: Parts of a step's graph, each of which runs on one device; 0 if unknown.
        cpu_features: Instruction sets that the CPU code was compiled with, such as "AVX2".
    """

    gpu_layers: int = -1
    num_layers: int = 0
    on_devices: int = 0
    devices: tuple[Device, ...] = ()
    shares: tuple[Share, ...] = ()
    graph_splits: int = 0
    cpu_features: tuple[str, ...] = ()

    @property
    def accelerators(self) -> tuple[Device, ...]:
        """The devices that could hold layers."""
        return tuple(device for device in self.devices if device.is_accelerator)

    @property
    def accelerated_by(self) -> tuple[str, ...]:
        """Names of the accelerators that hold weights."""
        names = {device.name for device in self.accelerators}
        return tuple(
            share.device for share in self.shares if share.device in names and share.weights
        )


NOWHERE = Placement()
"""No model is loaded."""


def read_placement(
    lines: Iterable[str],
    devices: Sequence[Device],
    *,
    gpu_layers: int,
    num_layers: int,
    cpu_features: tuple[str, ...] = (),
) -> Placement:
    """Read from the lines that llama.cpp logged while it loaded a model and made its context.

    Args:
        lines: The log.
        devices: What the library sees.
        gpu_layers: Layers that were asked onto accelerators; negative for all.
        num_layers: Layers of the model without the output layer, for a log that does not tell.
        cpu_features: Of the CPU code.
    """
    text = "\n".join(lines)
    used = set(_USES.findall(text))
    told = _LAYERS.findall(text)
    layers = int(told[-1]) if told else num_layers + 1
    shares = _shares(_BUFFER.findall(text), devices)
    has_weights = any(share.weights for share in shares if share.device in used)
    splits = _SPLITS.findall(text)
    return Placement(
        gpu_layers,
        layers,
        (layers if gpu_layers < 0 else min(gpu_layers, layers)) if has_weights else 0,
        tuple(devices),
        shares,
        int(splits[-1]) if splits else 0,
        cpu_features,
    )


_PARTS = {
    "model": "weights",
    "KV": "cache",
    "RS": "cache",
    "compute": "compute",
    "output": "compute",
}


def _shares(
    buffers: Iterable[tuple[str, str, str]], devices: Sequence[Device]
) -> tuple[Share, ...]:
    owners = [device for device in devices if device.is_accelerator]
    held: dict[str, dict[str, int]] = {name: {} for name in (*(o.name for o in owners), "CPU")}
    for buffer, what, size in buffers:
        owner = next((device.name for device in owners if device.owns(buffer)), "CPU")
        part = held[owner]
        part[_PARTS[what]] = part.get(_PARTS[what], 0) + round(float(size) * _MIB)
    return tuple(Share(name, **parts) for name, parts in held.items() if parts)
