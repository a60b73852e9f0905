"""Observes matrix products while a context computes: the inputs of each weight matrix."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coblyn.errors import AbiMismatch
from coblyn.llama import bindings
from coblyn.llama.library import Library

__all__ = ["Product", "Watch"]

_MAX_DIMS, _MAX_SRC, _MAX_NAME, _OP_PARAMS = 4, 10, 64, 16
_F32 = 0


class _Tensor(ctypes.Structure):
    """The beginning of ``ggml_tensor`` of the pinned ggml; ``_checked`` compares it with what the library makes."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("buffer", ctypes.c_void_p),
        ("ne", ctypes.c_int64 * _MAX_DIMS),
        ("nb", ctypes.c_size_t * _MAX_DIMS),
        ("op", ctypes.c_int),
        ("op_params", ctypes.c_int32 * _OP_PARAMS),
        ("flags", ctypes.c_int32),
        ("src", ctypes.c_void_p * _MAX_SRC),
        ("view_src", ctypes.c_void_p),
        ("view_offs", ctypes.c_size_t),
        ("data", ctypes.c_void_p),
        ("name", ctypes.c_char * _MAX_NAME),
    )


@dataclass(frozen=True, slots=True)
class Product:
    """A matrix product that was computed.

    Attributes:
        name: Of the weights, such as ``blk.0.ffn_up.weight``.
        inputs: float32 of shape (..., rows, inputs); of experts, (tokens, experts used or 1, inputs).
        num_matrices: Matrices in the weights: experts, or products that are computed together.
        experts: int32 of shape (tokens, experts used): who computed what; None of a plain product.
    """

    name: str
    inputs: NDArray[np.float32]
    num_matrices: int
    experts: NDArray[np.int32] | None


class Watch:
    """Passes on the inputs of products; give it to a ``Context``. Slows down computation.

    Args:
        library: The opened bundle.
        wants: Whether the products of weights of that name, with so many rows of inputs, are wanted.
        take: Gets them, on the thread that computes.

    Attributes:
        callback: For the library.
        failure: What ``take`` raised; nothing is handed over from then on.

    Raises:
        AbiMismatch: The library's tensors are not laid out as expected.
    """

    def __init__(
        self,
        library: Library,
        wants: Callable[[str, int], bool],
        take: Callable[[Product], None],
    ) -> None:
        self._library = library
        self._wants = wants
        self._take = take
        self._plain, self._by_expert = _checked(library)
        self.failure: Exception | None = None
        self.callback = bindings.ggml_backend_sched_eval_callback(self._see)

    def _see(self, pointer: int, is_asked: bool, _: object) -> bool:
        """Asked first whether the product is wanted, and called again when it is computed."""
        try:
            return self._is_wanted(pointer) if is_asked else self._hand_over(pointer)
        except Exception as error:  # noqa: BLE001 (nothing can be raised through the library)
            self.failure = error
            return not is_asked

    def _is_wanted(self, pointer: int) -> bool:
        product = _Tensor.from_address(pointer)
        if self.failure or product.op not in (self._plain, self._by_expert):
            return False
        inputs = _Tensor.from_address(product.src[1])
        rows = inputs.ne[2] if product.op == self._by_expert else inputs.ne[1]
        return inputs.type == _F32 and self._wants(_weights_name(product), rows)

    def _hand_over(self, pointer: int) -> bool:
        product = _Tensor.from_address(pointer)
        weights = _Tensor.from_address(product.src[0])
        inputs = self._read(product.src[1], np.dtype("<f4"))
        experts = None
        if product.op == self._by_expert:
            experts = self._read(product.src[2], np.dtype("<i4"))[0, 0]
            inputs = inputs[0]
        matrices = int(weights.ne[2] * weights.ne[3])
        self._take(Product(_weights_name(product), inputs, matrices, experts))
        return True

    def _read(self, pointer: int, kind: np.dtype[Any]) -> NDArray[Any]:
        """A tensor as numpy has it, wherever it is; its rows may lie apart."""
        tensor = _Tensor.from_address(pointer)
        raw = np.empty(self._library.ggml_nbytes(pointer), np.uint8)
        self._library.ggml_backend_tensor_get(pointer, raw.ctypes.data, 0, raw.size)
        return np.ndarray(tuple(tensor.ne)[::-1], kind, raw.data, 0, tuple(tensor.nb)[::-1])


def _weights_name(product: _Tensor) -> str:
    """Where the scheduler copied weights to a device, their name is ``DEVICE#NAME#COPY``."""
    name = bytes(_Tensor.from_address(product.src[0]).name).decode(errors="replace")
    return name.split("#")[1] if "#" in name else name


def _checked(library: Library) -> tuple[int, int]:
    """The numbers of the two operations, after a look at tensors of known shapes.

    Raises:
        AbiMismatch: They are not laid out as expected.
    """
    size = 16 * library.ggml_tensor_overhead() + library.ggml_graph_overhead()
    params = bindings.ggml_init_params(mem_size=size, mem_buffer=None, no_alloc=True)
    context = library.ggml_init(params)
    try:
        weights = library.ggml_new_tensor_2d(context, _F32, 64, 48)
        inputs = library.ggml_new_tensor_2d(context, _F32, 64, 32)
        pointer = library.ggml_mul_mat(context, weights, inputs)
        experts = library.ggml_new_tensor_3d(context, _F32, 64, 48, 4)
        chosen = library.ggml_new_tensor_2d(context, bindings.GGML_TYPE_I32, 2, 32)
        rows = library.ggml_new_tensor_3d(context, _F32, 64, 1, 32)
        by_expert = _Tensor.from_address(library.ggml_mul_mat_id(context, experts, rows, chosen))
        graph = library.ggml_new_graph(context)
        library.ggml_build_forward_expand(graph, pointer)
        product = _Tensor.from_address(pointer)
        is_known = (
            tuple(product.ne) == (48, 32, 1, 1)
            and tuple(product.nb[:2]) == (4, 4 * 48)
            and tuple(product.src[:3]) == (weights, inputs, None)
            and tuple(by_expert.src[:3]) == (experts, rows, chosen)
            and _Tensor.from_address(weights).ne[1] == 48
            and bytes(product.name).startswith(b"node_")
        )
        operations = (int(product.op), int(by_expert.op))
    finally:
        library.ggml_free(context)
    if not is_known:
        raise AbiMismatch(
            "The engine lays out its tensors in another way than this version of Coblyn knows.",
            hint="Run `coblyn build --force`.",
        )
    return operations
