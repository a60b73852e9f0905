"""The quantization types of model files, and of single tensors. From ``llama.h`` and ``llama-quant.cpp``."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from coblyn.errors import BadRequest
from coblyn.models.quantization import TENSOR_TYPES

__all__ = ["FILE_KINDS", "FileKind", "file_kind", "tensor_kind", "tensor_size"]


@dataclass(frozen=True, slots=True)
class FileKind:
    """A quantization type of a file.

    Attributes:
        name: Such as ``Q4_K_M``.
        number: The library's number (``llama_ftype``).
        base: The type that most tensors get.
        needs_importance: The library refuses it without an importance matrix, as the result would be useless.
    """

    name: str
    number: int
    base: str
    needs_importance: bool = False

    @property
    def base_bits(self) -> float:
        """Bits per weight of a tensor in the base type."""
        return next(
            8 * each.size / each.elements
            for each in TENSOR_TYPES.values()
            if each.name == self.base
        )


FILE_KINDS = {
    kind.name: kind
    for kind in (
        FileKind("F32", 0, "F32"),
        FileKind("BF16", 32, "BF16"),
        FileKind("F16", 1, "F16"),
        FileKind("Q8_0", 7, "Q8_0"),
        FileKind("Q6_K", 18, "Q6_K"),
        FileKind("Q5_K_M", 17, "Q5_K"),
        FileKind("Q5_K_S", 16, "Q5_K"),
        FileKind("Q5_1", 9, "Q5_1"),
        FileKind("Q5_0", 8, "Q5_0"),
        FileKind("Q4_K_M", 15, "Q4_K"),
        FileKind("Q4_K_S", 14, "Q4_K"),
        FileKind("Q4_1", 3, "Q4_1"),
        FileKind("Q4_0", 2, "Q4_0"),
        FileKind("IQ4_NL", 25, "IQ4_NL"),
        FileKind("IQ4_XS", 30, "IQ4_XS"),
        FileKind("MXFP4_MOE", 38, "MXFP4"),
        FileKind("Q3_K_L", 13, "Q3_K"),
        FileKind("Q3_K_M", 12, "Q3_K"),
        FileKind("Q3_K_S", 11, "Q3_K"),
        FileKind("IQ3_M", 27, "IQ3_S"),
        FileKind("IQ3_S", 26, "IQ3_S"),
        FileKind("IQ3_XS", 22, "IQ3_S", needs_importance=True),
        FileKind("IQ3_XXS", 23, "IQ3_XXS", needs_importance=True),
        FileKind("Q2_K", 10, "Q2_K"),
        FileKind("Q2_K_S", 21, "Q2_K", needs_importance=True),
        FileKind("IQ2_M", 29, "IQ2_S", needs_importance=True),
        FileKind("IQ2_S", 28, "IQ2_XS", needs_importance=True),
        FileKind("IQ2_XS", 20, "IQ2_XS", needs_importance=True),
        FileKind("Q2_0", 41, "Q2_0"),
        FileKind("IQ2_XXS", 19, "IQ2_XXS", needs_importance=True),
        FileKind("TQ2_0", 37, "TQ2_0"),
        FileKind("IQ1_M", 31, "IQ1_M", needs_importance=True),
        FileKind("TQ1_0", 36, "TQ1_0"),
        FileKind("IQ1_S", 24, "IQ1_S", needs_importance=True),
        FileKind("Q1_0", 40, "Q1_0"),
    )
}
"""All file types that can be written, from most bits to fewest."""

_ALIASES = {"Q3_K": "Q3_K_M", "Q4_K": "Q4_K_M", "Q5_K": "Q5_K_M", "MXFP4": "MXFP4_MOE"}

_NO_TARGETS = {"Q8_1", "Q8_K", "I8", "I16", "I32", "I64", "F64", "NVFP4"}
_NUMBERS = {
    each.name: number for number, each in TENSOR_TYPES.items() if each.name not in _NO_TARGETS
}
_BLOCKS = {each.name: each for each in TENSOR_TYPES.values()}


def file_kind(name: str) -> FileKind:
    """The type with a name, case-insensitive.

    Raises:
        BadRequest: There is no such type.
    """
    wanted = name.upper()
    kind = FILE_KINDS.get(_ALIASES.get(wanted, wanted))
    if kind is None:
        raise _unknown("type", name, list(FILE_KINDS))
    return kind


def tensor_kind(name: str) -> int:
    """The library's number of a tensor type.

    Raises:
        BadRequest: There is no type of that name that a tensor can have.
    """
    number = _NUMBERS.get(name.upper())
    if number is None:
        raise _unknown("tensor type", name, list(_NUMBERS))
    return number


def tensor_size(shape: tuple[int, ...], kind: str) -> int:
    """Bytes of a tensor with a shape and type.

    Args:
        shape: Elements in each dimension, the fastest first.
        kind: Name of the type, case-insensitive.
    """
    block, elements = _BLOCKS[kind.upper()], 1
    for each in shape:
        elements *= each
    return elements // block.elements * block.size


def _unknown(what: str, name: str, known: list[str]) -> BadRequest:
    close = difflib.get_close_matches(name.upper(), known, n=3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(close)}?" if close else f"There are {', '.join(known)}."
    return BadRequest(f"There is no {what} {name}.", field="type", hint=hint)
