"""Random weights in the forms of GGUF files, and their values in full precision. Pure.

Made here, not by the library, so that the reference shares no code with what is checked. The layouts are
those of ``ggml-common.h`` of llama.cpp 0.5.0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["FORMS", "Form", "Matrix", "Weights", "decode", "make_weights"]

Matrix = NDArray[np.float64]
Blocks = NDArray[Any]  # structured, or numbers
Bits = NDArray[Any]  # unsigned integers


@dataclass(frozen=True, slots=True)
class Weights:
    """A matrix of weights.

    Attributes:
        kind: Its type, one of ``FORMS``.
        data: The bytes, as in a GGUF file.
        values: Its values; None if they depend on a codebook, which only the library has.
    """

    kind: str
    data: bytes
    values: Matrix | None


@dataclass(frozen=True, slots=True)
class Form:
    """How weights of a type are stored in a file.

    Attributes:
        number: The type's number (``ggml_type``).
        size: Weights per block.
        block: Fields of a block.
        decode: From blocks, in an array of any shape, to values, with one more axis of ``size``; None for codebooks.
        scales: Fields drawn from a range, so that weights are about as large as those of a trained model;
            all others are random bits.
        fix: Makes random bits valid, in place.
    """

    number: int
    size: int
    block: np.dtype[Any]
    decode: Callable[[Blocks], Matrix] | None
    scales: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    fix: Callable[[Blocks], None] | None = None


def make_weights(kind: str, rows: int, inner: int, seed: int) -> Weights:
    """Random weights of about the size of a trained model's.

    Args:
        kind: One of ``FORMS``.
        rows: Rows.
        inner: Numbers per row, a multiple of the type's block (of 256 for all types).
        seed: The same seed gives the same weights.
    """
    form, random = FORMS[kind], np.random.default_rng(seed)
    if form.size == 1:
        blocks = _encode_plain(kind, random.normal(0, 0.02, (rows, inner)))
    else:
        count = rows * inner // form.size
        blocks = np.frombuffer(random.bytes(count * form.block.itemsize), form.block).copy()
        blocks = blocks.reshape(rows, inner // form.size)
        for name, (low, high) in form.scales.items():
            drawn = random.uniform(low, high, blocks[name].shape)
            blocks[name] = drawn.astype(form.block[name].base)
        if form.fix:
            form.fix(blocks)
    return Weights(kind, blocks.tobytes(), decode(kind, blocks))


def decode(kind: str, blocks: Blocks) -> Matrix | None:
    """Values of blocks, rows first; None for codebooks."""
    form = FORMS[kind]
    return form.decode(blocks).reshape(len(blocks), -1) if form.decode else None


# Types whose weights are separate numbers


def _encode_plain(kind: str, values: Matrix) -> Blocks:
    if kind == "bf16":
        return (values.astype("<f4").view("<u4") >> 16).astype("<u2")
    return values.astype(FORMS[kind].block)


def _number(blocks: Blocks) -> Matrix:
    return blocks.astype(np.float64)


def _bf16(blocks: Blocks) -> Matrix:
    values: NDArray[np.float32] = (blocks.astype("<u4") << 16).view("<f4")
    return values.astype(np.float64)


# Parts of blocks


def _wide(blocks: Blocks, name: str) -> Matrix:
    """A field of scalars, with an axis for the weights that share them."""
    values: Matrix = blocks[name].astype(np.float64)[..., None]
    return values


def _halves(data: Bits) -> Bits:
    """Four-bit numbers: the low halves of all bytes, then the high ones."""
    return np.concatenate((data & 15, data >> 4), axis=-1)


def _shifted(data: Bits, shifts: range) -> Bits:
    """A copy of a row of bytes for each shift, along a new axis before the last."""
    return np.stack([data >> shift for shift in shifts], axis=-2)


def _fifth_bits(blocks: Blocks) -> Bits:
    return np.unpackbits(blocks["high"], axis=-1, bitorder="little") << 4


def _quarters(data: Bits) -> Bits:
    """Two-bit numbers of super-blocks: 32 bytes hold 4 times 32, the lowest bits first."""
    split = data.reshape(*data.shape[:-1], -1, 32)
    return (_shifted(split, range(0, 8, 2)) & 3).reshape(*data.shape[:-1], -1)


def _scaled(scales: Matrix, numbers: NDArray[Any]) -> Matrix:
    """Numbers in equal groups, each group multiplied by its scale."""
    groups = numbers.reshape(*scales.shape, -1) * scales[..., None]
    return groups.reshape(numbers.shape)


def _spread(values: Matrix, count: int) -> Matrix:
    return np.repeat(values, count // values.shape[-1], axis=-1)


# Blocks of 32, 64 and 128 weights


def _q4_0(blocks: Blocks) -> Matrix:
    return _wide(blocks, "d") * (_halves(blocks["q"]).astype(np.float64) - 8)


def _q4_1(blocks: Blocks) -> Matrix:
    return _wide(blocks, "d") * _halves(blocks["q"]) + _wide(blocks, "m")


def _q5_0(blocks: Blocks) -> Matrix:
    numbers = _halves(blocks["q"]) | _fifth_bits(blocks)
    return _wide(blocks, "d") * (numbers.astype(np.float64) - 16)


def _q5_1(blocks: Blocks) -> Matrix:
    return _wide(blocks, "d") * (_halves(blocks["q"]) | _fifth_bits(blocks)) + _wide(blocks, "m")


def _q8_0(blocks: Blocks) -> Matrix:
    return _wide(blocks, "d") * blocks["q"].astype(np.float64)


def _q1_0(blocks: Blocks) -> Matrix:
    bits = np.unpackbits(blocks["q"], axis=-1, bitorder="little")
    return _wide(blocks, "d") * (2.0 * bits - 1)


def _q2_0(blocks: Blocks) -> Matrix:
    numbers = (blocks["q"][..., None] >> np.arange(0, 8, 2, dtype=np.uint8)) & 3
    return _wide(blocks, "d") * (numbers.reshape(*blocks.shape, 64) - 1.0)


_NONLINEAR = np.array(
    [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113], np.float64
)

_FOUR_BIT_FLOATS = np.array([0, 1, 2, 3, 4, 6, 8, 12], np.float64)  # twice E2M1
_FOUR_BIT_FLOATS = np.concatenate((_FOUR_BIT_FLOATS, -_FOUR_BIT_FLOATS))


def _iq4_nl(blocks: Blocks) -> Matrix:
    return _wide(blocks, "d") * _NONLINEAR[_halves(blocks["q"])]


def _mxfp4(blocks: Blocks) -> Matrix:
    return np.exp2(_wide(blocks, "e") - 128) * _FOUR_BIT_FLOATS[_halves(blocks["q"])]


def _nvfp4(blocks: Blocks) -> Matrix:
    """Four scales (unsigned E4M3, halved) of 16 weights each."""
    codes = blocks["e"].astype(np.float64)
    scales = np.exp2(np.floor(codes / 8) - 8) * (1 + codes % 8 / 8)
    numbers = _FOUR_BIT_FLOATS[_halves(blocks["q"].reshape(*blocks.shape, 4, 8))]
    return _scaled(scales, numbers.reshape(*blocks.shape, 64))


# Super-blocks of 256 weights


def _q2_k(blocks: Blocks) -> Matrix:
    scales = _wide(blocks, "d") * (blocks["s"] & 15)
    least = _wide(blocks, "m") * (blocks["s"] >> 4)
    return _scaled(scales, _quarters(blocks["q"])) - _spread(least, 256)


def _q3_k(blocks: Blocks) -> Matrix:
    low, high = _halves(blocks["s"][..., :8]), blocks["s"][..., 8:]
    upper = (_shifted(high, range(0, 8, 2)) & 3).reshape(*blocks.shape, 16)
    scales = _wide(blocks, "d") * ((low | upper << 4).astype(np.float64) - 32)
    third = (_shifted(blocks["high"], range(8)) & 1).reshape(*blocks.shape, 256)
    return _scaled(scales, (_quarters(blocks["q"]) | third << 2).astype(np.float64) - 4)


def _six_bit_scales(packed: Bits) -> tuple[Bits, Bits]:
    """Eight scales and eight minima of Q4_K and Q5_K, from twelve bytes."""
    first, second, third = packed[..., :4], packed[..., 4:8], packed[..., 8:]
    scales = np.concatenate((first & 63, third & 15 | first >> 6 << 4), axis=-1)
    least = np.concatenate((second & 63, third >> 4 | second >> 6 << 4), axis=-1)
    return scales, least


def _q4_k(blocks: Blocks) -> Matrix:
    return _with_minima(blocks, _pairs(blocks["q"]))


def _q5_k(blocks: Blocks) -> Matrix:
    fifth = (_shifted(blocks["high"], range(8)) & 1).reshape(*blocks.shape, 256)
    return _with_minima(blocks, _pairs(blocks["q"]) | fifth << 4)


def _pairs(data: Bits) -> Bits:
    """Four-bit numbers of super-blocks: 32 bytes hold 32 low halves, then 32 high ones."""
    return _halves(data.reshape(*data.shape[:-1], 4, 32)).reshape(*data.shape[:-1], 256)


def _with_minima(blocks: Blocks, numbers: Bits) -> Matrix:
    scales, least = _six_bit_scales(blocks["s"])
    minima = _spread(_wide(blocks, "m") * least, 256)
    return _scaled(_wide(blocks, "d") * scales, numbers) - minima


def _q6_k(blocks: Blocks) -> Matrix:
    low = _halves(blocks["q"].reshape(*blocks.shape, 2, 64)).reshape(*blocks.shape, 256)
    numbers = (low | _quarters(blocks["high"]) << 4).astype(np.float64) - 32
    return _scaled(_wide(blocks, "d") * blocks["s"], numbers)


def _iq4_xs(blocks: Blocks) -> Matrix:
    low = (blocks["low"][..., None] >> np.array([0, 4], np.uint8) & 15).reshape(*blocks.shape, 8)
    high = blocks["high"][..., None] >> np.arange(0, 16, 2, dtype=np.uint16) & 3
    scales = _wide(blocks, "d") * ((low | high << 4).astype(np.float64) - 32)
    numbers = _NONLINEAR[_halves(blocks["q"].reshape(*blocks.shape, 8, 16))]
    return _scaled(scales, numbers.reshape(*blocks.shape, 256))


def _tq2_0(blocks: Blocks) -> Matrix:
    return _wide(blocks, "d") * (_quarters(blocks["q"]) - 1.0)


def _tq1_0(blocks: Blocks) -> Matrix:
    """Digits in base 3, as a fraction of 256, most significant first."""
    parts = (blocks["q"][..., :32], blocks["q"][..., 32:], blocks["last"])
    digits = [_digits(part, 4 if part is parts[2] else 5) for part in parts]
    return _wide(blocks, "d") * (np.concatenate(digits, axis=-1) - 1.0)


def _digits(data: Bits, count: int) -> Bits:
    powers = np.array([3**place for place in range(count)], np.uint16)[:, None]
    rest = (data[..., None, :].astype(np.uint16) * powers) & 255
    return (rest * 3 >> 8).reshape(*data.shape[:-1], -1)


def _fix_tq1_0(blocks: Blocks) -> None:
    numbers = (np.arange(243) * 256 + 242) // 243
    blocks["q"] = numbers[blocks["q"] % 243]
    blocks["last"] = numbers[blocks["last"] % 81 * 3]


def _fix_iq1_m(blocks: Blocks) -> None:
    """The scale, which is in the upper four bits of four words."""
    drawn = np.random.default_rng(len(blocks)).uniform(3e-3, 6e-3, blocks.shape)
    bits = drawn.astype("<f2").view("<u2")[..., None]
    parts = bits >> np.arange(0, 16, 4, dtype=np.uint16) & 15
    blocks["s"] = blocks["s"] & 0xFFF | parts << 12


def _form(
    number: int,
    size: int,
    fields: list[Any],
    decode: Callable[[Blocks], Matrix] | None = None,
    fix: Callable[[Blocks], None] | None = None,
    **scales: tuple[float, float],
) -> Form:
    return Form(number, size, np.dtype(fields), decode, scales, fix)


def _codebook(number: int, scale: float, *fields: tuple[str, str, int]) -> Form:
    return _form(number, 256, [("d", "<f2"), *fields], d=(scale, 2 * scale))


_D, _M = ("d", "<f2"), ("m", "<f2")

FORMS: Mapping[str, Form] = MappingProxyType(
    {
        "f32": Form(0, 1, np.dtype("<f4"), _number),
        "f16": Form(1, 1, np.dtype("<f2"), _number),
        "bf16": Form(30, 1, np.dtype("<u2"), _bf16),
        "q8_0": _form(8, 32, [_D, ("q", "i1", 32)], _q8_0, d=(2e-4, 6e-4)),
        "q4_0": _form(2, 32, [_D, ("q", "u1", 16)], _q4_0, d=(3e-3, 9e-3)),
        "q4_1": _form(3, 32, [_D, _M, ("q", "u1", 16)], _q4_1, d=(3e-3, 9e-3), m=(-0.06, -0.03)),
        "q5_0": _form(6, 32, [_D, ("high", "u1", 4), ("q", "u1", 16)], _q5_0, d=(1e-3, 4e-3)),
        "q5_1": _form(
            7,
            32,
            [_D, _M, ("high", "u1", 4), ("q", "u1", 16)],
            _q5_1,
            d=(1e-3, 4e-3),
            m=(-0.06, -0.02),
        ),
        "q1_0": _form(41, 128, [_D, ("q", "u1", 16)], _q1_0, d=(0.01, 0.03)),
        "q2_0": _form(42, 64, [_D, ("q", "u1", 16)], _q2_0, d=(0.01, 0.03)),
        "iq4_nl": _form(20, 32, [_D, ("q", "u1", 16)], _iq4_nl, d=(2e-4, 6e-4)),
        "mxfp4": _form(39, 32, [("e", "u1"), ("q", "u1", 16)], _mxfp4, e=(118, 122)),
        "nvfp4": _form(40, 64, [("e", "u1", 4), ("q", "u1", 32)], _nvfp4, e=(8, 20)),
        "q2_k": _form(
            10,
            256,
            [("s", "u1", 16), ("q", "u1", 64), _D, _M],
            _q2_k,
            d=(1e-3, 3e-3),
            m=(1e-3, 3e-3),
        ),
        "q3_k": _form(
            11,
            256,
            [("high", "u1", 32), ("q", "u1", 64), ("s", "u1", 12), _D],
            _q3_k,
            d=(2e-4, 6e-4),
        ),
        "q4_k": _form(
            12,
            256,
            [_D, _M, ("s", "u1", 12), ("q", "u1", 128)],
            _q4_k,
            d=(5e-5, 2e-4),
            m=(4e-4, 1e-3),
        ),
        "q5_k": _form(
            13,
            256,
            [_D, _M, ("s", "u1", 12), ("high", "u1", 32), ("q", "u1", 128)],
            _q5_k,
            d=(3e-5, 1e-4),
            m=(4e-4, 1e-3),
        ),
        "q6_k": _form(
            14,
            256,
            [("q", "u1", 128), ("high", "u1", 64), ("s", "i1", 16), _D],
            _q6_k,
            d=(1e-5, 4e-5),
        ),
        "iq4_xs": _form(
            23,
            256,
            [_D, ("high", "<u2"), ("low", "u1", 4), ("q", "u1", 128)],
            _iq4_xs,
            d=(1e-5, 3e-5),
        ),
        "tq1_0": _form(
            34,
            256,
            [("q", "u1", 48), ("last", "u1", 4), _D],
            _tq1_0,
            _fix_tq1_0,
            d=(0.01, 0.03),
        ),
        "tq2_0": _form(35, 256, [("q", "u1", 64), _D], _tq2_0, d=(0.01, 0.03)),
        "iq1_s": _codebook(19, 3e-3, ("q", "u1", 32), ("high", "u2", 8)),
        "iq1_m": _form(
            29, 256, [("q", "u1", 32), ("high", "u1", 16), ("s", "<u2", 4)], None, _fix_iq1_m
        ),
        "iq2_xxs": _codebook(16, 3e-4, ("q", "u2", 32)),
        "iq2_xs": _codebook(17, 3e-4, ("q", "u2", 32), ("s", "u1", 8)),
        "iq2_s": _codebook(22, 3e-4, ("q", "u1", 64), ("high", "u1", 8), ("s", "u1", 8)),
        "iq3_xxs": _codebook(18, 2e-4, ("q", "u1", 96)),
        "iq3_s": _codebook(
            21, 2e-4, ("q", "u1", 64), ("high", "u1", 8), ("signs", "u1", 32), ("s", "u1", 4)
        ),
    }
)
"""Types of weights that a GGUF file may contain and that the library multiplies, by name."""
