"""A single operation of ggml on one device: the smallest test of what a device computes."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coblyn.errors import EngineError
from coblyn.llama import bindings
from coblyn.llama.handle import Handle
from coblyn.llama.library import Library

__all__ = ["Input", "Make", "OpenDevice", "Operation", "Unsupported", "extra_buffers", "reason"]

_NUM_TENSORS = 8

Make = Callable[[Library, int, Sequence[int]], int]
"""From the library, a context and the inputs' tensors to the tensor of the result."""


class Unsupported(EngineError):
    """The device does not support this operation; the CPU would compute it instead."""

    code = "operation_unsupported"


@dataclass(frozen=True, slots=True)
class Input:
    """A tensor that goes in.

    Attributes:
        kind: Number of its type (``ggml_type``).
        shape: Two or three dimensions, as numpy has them: the numbers of a row are the last.
        data: Its bytes; None where they are set later.
    """

    kind: int
    shape: tuple[int, ...]
    data: bytes | None = None


class OpenDevice(Handle):
    """A device that computes, until it is closed. One thread at a time may use it.

    Args:
        library: The opened bundle.
        name: Name of the device.

    Raises:
        EngineError: The device cannot be used.
    """

    def __init__(self, library: Library, name: str) -> None:
        super().__init__(library.ggml_backend_free)
        self.library = library
        self.name = name
        self.device = library.ggml_backend_dev_by_name(name.encode())
        self.pointer = library.ggml_backend_dev_init(self.device, None) if self.device else None
        if not self.pointer:
            raise EngineError(f"The device {name} cannot be opened.", hint=reason(library))

    def set_threads(self, threads: int) -> None:
        """Compute with so many threads from now on, where the device is a CPU."""
        address = _procedure(self.library, self.device, b"ggml_backend_set_n_threads")
        if address:
            ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int)(address)(self.pointer, threads)


class Operation(Handle):
    """An operation, its inputs and its result on a device. Free it with ``close`` or a ``with`` block.

    Args:
        device: Where it is computed; must be closed later than this.
        inputs: What goes in.
        make: Makes the operation.
        shape: Of the result, as numpy has it; its numbers are single-precision floats.
        buffer: A kind of memory for the first input, one of ``extra_buffers``; None for the device's usual one.

    Raises:
        Unsupported: The device does not do it, or not with the first input in that memory.
        EngineError: The device lacks memory.
    """

    def __init__(
        self,
        device: OpenDevice,
        inputs: Sequence[Input],
        make: Make,
        shape: tuple[int, ...],
        *,
        buffer: int | None = None,
    ) -> None:
        self._library = library = device.library
        self._device = device
        self._shape = shape
        self._inputs = inputs
        with ExitStack() as stack:
            weights = stack.enter_context(_graph_memory(library))
            others = stack.enter_context(_graph_memory(library))
            homes = (weights, *[others] * (len(inputs) - 1))
            pairs = zip(homes, inputs, strict=True)
            self._tensors = [_tensor(library, home, each) for home, each in pairs]
            self._result = make(library, _address(others), self._tensors)
            stack.enter_context(self._memory(weights, buffer))
            # A kind of memory decides what can be computed from it, so this is the earliest that one can ask.
            if not library.ggml_backend_dev_supports_op(device.device, self._result):
                raise Unsupported(f"{device.name} does not compute this operation.")
            stack.enter_context(self._memory(others, None))
            self._graph = library.ggml_new_graph(others.pointer)
            library.ggml_build_forward_expand(self._graph, self._result)
            for index, each in enumerate(inputs):
                if each.data is not None:
                    self._fill(index, each.data)
            everything = stack.pop_all()
        super().__init__(lambda _: everything.close())
        self.pointer = self._graph

    def set(self, index: int, data: NDArray[np.float32]) -> None:
        """Copy an input to the device."""
        self._fill(index, np.ascontiguousarray(data, np.float32).tobytes())

    def compute(self) -> None:
        """Compute it; the device may still be at it afterwards.

        Raises:
            EngineError: The device failed.
        """
        status = self._library.ggml_backend_graph_compute(self._device.pointer, self._graph)
        if status != 0:
            raise EngineError(f"{self._device.name} failed to compute (status {status}).")

    def wait(self) -> None:
        """Wait until all is computed."""
        self._library.ggml_backend_synchronize(self._device.pointer)
        # Not every backend waits when it is told to (RPC does not), but a backend that returns a result has finished.
        first = ctypes.c_float()
        self._library.ggml_backend_tensor_get(
            self._result, ctypes.addressof(first), 0, ctypes.sizeof(first)
        )

    def get(self) -> NDArray[np.float32]:
        """The result from the device."""
        result = np.empty(self._shape, np.float32)
        assert result.nbytes == self._library.ggml_nbytes(self._result), "the shape is the result's"
        self._library.ggml_backend_tensor_get(self._result, result.ctypes.data, 0, result.nbytes)
        return result

    def _fill(self, index: int, data: bytes) -> None:
        tensor = self._tensors[index]
        assert len(data) == self._library.ggml_nbytes(tensor), "data fill their tensor"
        self._library.ggml_backend_tensor_set(tensor, data, 0, len(data))

    def _memory(self, context: Handle, kind: int | None) -> Handle:
        library = self._library
        buffer = Handle(library.ggml_backend_buffer_free)
        if kind is None:
            device = self._device.pointer
            buffer.pointer = library.ggml_backend_alloc_ctx_tensors(context.pointer, device)
        else:
            allocate = library.ggml_backend_alloc_ctx_tensors_from_buft
            buffer.pointer = allocate(context.pointer, kind)
        if not buffer.pointer:
            raise EngineError(
                f"{self._device.name} has no memory for a small operation.", hint=reason(library)
            )
        return buffer


def extra_buffers(device: OpenDevice) -> dict[str, int]:
    """Kinds of memory in which a CPU keeps weights in an order of its own, by name, such as "CPU_REPACK"."""
    library = device.library
    address = _procedure(library, device.device, b"ggml_backend_dev_get_extra_bufts")
    if not address:
        return {}
    ask = ctypes.CFUNCTYPE(ctypes.POINTER(ctypes.c_void_p), ctypes.c_void_p)(address)
    found: dict[str, int] = {}
    listed = ask(device.device)
    index = 0
    while listed and (pointer := listed[index]):
        found[library.ggml_backend_buft_name(pointer).decode()] = pointer
        index += 1
    return found


def reason(library: Library) -> str:
    """What the library's log says is wrong, as a hint."""
    return "; ".join(library.log.take_errors()) or "The library gave no reason."


def _procedure(library: Library, device: int, name: bytes) -> int:
    registry = library.ggml_backend_dev_backend_reg(device)
    return int(library.ggml_backend_reg_get_proc_address(registry, name) or 0)


def _address(handle: Handle) -> int:
    assert handle.pointer is not None, "it was just made"
    return handle.pointer


def _tensor(library: Library, context: Handle, each: Input) -> int:
    make = library.ggml_new_tensor_2d if len(each.shape) == 2 else library.ggml_new_tensor_3d
    return int(make(context.pointer, each.kind, *reversed(each.shape)))


def _graph_memory(library: Library) -> Handle:
    """A context for the descriptions of tensors and of one graph; their data is elsewhere."""
    size = _NUM_TENSORS * library.ggml_tensor_overhead() + library.ggml_graph_overhead()
    context = Handle(library.ggml_free)
    context.pointer = library.ggml_init(bindings.ggml_init_params(size, None, True))
    if not context.pointer:
        raise EngineError("The library has no memory for a graph.")
    # The bundle's fingerprint says nothing about this struct, so the library tells what it read.
    told = library.ggml_get_mem_size(context.pointer)
    if not size <= told < size + 64 or not library.ggml_get_no_alloc(context.pointer):
        raise EngineError(
            "The library reads ggml_init_params otherwise than the bindings write it.",
            hint="coblyn build --force",
        )
    return context
