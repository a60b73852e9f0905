"""Memory use of a model and a context: bytes of weights, KV memory and compute buffers per device."""

from __future__ import annotations

from dataclasses import dataclass

from coblyn.errors import EngineError
from coblyn.llama import bindings, shim
from coblyn.llama.context import Context
from coblyn.llama.library import Library

__all__ = ["MAIN", "MemoryUse", "memory_uses"]

MAIN = "CPU"
"""The device name of main memory."""

_CAPACITY = 64

_IN_MAIN_MEMORY = frozenset(
    {bindings.GGML_BACKEND_DEVICE_TYPE_CPU, bindings.GGML_BACKEND_DEVICE_TYPE_ACCEL}
)

_MAPPABLE = frozenset({"CPU", "CPU_Mapped"})
"""Names of the buffers whose weights a mapped file can be; those in an order of the CPU's own are copies."""


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """Memory use on one device, in bytes.

    Attributes:
        device: Its name, such as "CUDA0", or ``MAIN``.
        weights: Of the model, without ``mappable``.
        mappable: Weights stored in the file in their final layout, which may be mapped instead of read.
        cache: KV memory and recurrent states.
        compute: Buffers of the graph.
        output: Logits and embeddings of a step.
    """

    device: str
    weights: int = 0
    mappable: int = 0
    cache: int = 0
    compute: int = 0
    output: int = 0

    def __add__(self, other: MemoryUse) -> MemoryUse:
        """Both on the device of the first."""
        return MemoryUse(
            self.device,
            self.weights + other.weights,
            self.mappable + other.mappable,
            self.cache + other.cache,
            self.compute + other.compute,
            self.output + other.output,
        )


def memory_uses(context: Context) -> tuple[MemoryUse, ...]:
    """The memory that a context and its model take, or would take if the model was loaded without weights.

    Raises:
        EngineError: The library does not report it.
    """
    library = context.library
    entries = (shim.MemoryUse * _CAPACITY)()
    count = library.coblyn_memory_uses(context.pointer, entries, _CAPACITY)
    if not 0 <= count <= _CAPACITY:
        raise EngineError("The library does not report how much memory the model takes.")
    found = {MAIN: MemoryUse(MAIN, output=_output_size(context))}
    for entry in entries[:count]:
        use = _read(library, entry)
        found[use.device] = found.get(use.device, MemoryUse(use.device)) + use
    return tuple(found.values())


def _read(library: Library, entry: shim.MemoryUse) -> MemoryUse:
    device = _owner(library, entry.type)
    is_mappable = library.ggml_backend_buft_name(entry.type).decode() in _MAPPABLE
    weights = int(entry.weights)
    return MemoryUse(
        device,
        weights=0 if is_mappable else weights,
        mappable=weights if is_mappable else 0,
        cache=entry.context,
        compute=entry.compute,
    )


def _owner(library: Library, kind: int) -> str:
    """Name of the device in whose memory buffers of a type are: those that only serve one are in main memory."""
    device = library.ggml_backend_buft_get_device(kind)
    if not device or library.ggml_backend_buft_is_host(kind):
        return MAIN
    if library.ggml_backend_dev_type(device) in _IN_MAIN_MEMORY:
        return MAIN
    return str(library.ggml_backend_dev_name(device).decode())


def _output_size(context: Context) -> int:
    """Bytes of logits that a step may have: a row of single-precision numbers for each sequence."""
    sequences = int(context.library.llama_n_seq_max(context.pointer))
    return 4 * sequences * context.model.vocab_size
