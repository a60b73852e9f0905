"""Checks of the numbers in a file's metadata. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator

from coblyn.checkup.card import Card
from coblyn.checkup.finding import Finding, finding
from coblyn.models.eagle import read_eagle
from coblyn.models.heads import heads_of
from coblyn.models.splits import read_headers

__all__ = ["check_numbers"]

_ABSURD = 2**25
_LEAST = 64
_SMALL_BASE = 10_000.0
_LONG = 16_384
_USUAL = 2048

_COARSE = ("Q2_K", "Q3_K", "IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ3_XXS", "IQ3_S")


def check_numbers(card: Card) -> Iterator[Finding]:
    """Faults of the context length, the positions and the output."""
    yield from _context(card)
    yield from _rope(card)
    yield from _output(card)
    heads = read_eagle(card.header.path) or heads_of(read_headers(card.header.path))
    if heads:
        yield finding("prediction-heads", told=heads.told)


def _context(card: Card) -> Iterator[Finding]:
    key, length = f"{card.architecture}.context_length", card.number("context_length")
    if length <= 0:
        yield finding("no-context-length", {key: _USUAL}, length=_USUAL)
    elif not _LEAST <= length <= _ABSURD:
        yield finding("context-length-absurd", key=key, length=int(length))


def _rope(card: Card) -> Iterator[Finding]:
    base, key = card.own("rope.freq_base"), f"{card.architecture}.rope.freq_base"
    if isinstance(base, int | float) and not (0 < base < math.inf):
        yield finding(
            "rope-base-impossible", {key: _SMALL_BASE}, key=key, value=base, new=_SMALL_BASE
        )
    kind = card.own("rope.scaling.type")
    is_scaled = kind not in (None, "", "none") or bool(card.number("rope.scaling.factor"))
    has_factors = any(t.name.startswith("rope_") for t in card.header.tensors)
    length = card.number("context_length")
    if base == _SMALL_BASE and length >= _LONG and not (is_scaled or has_factors):
        yield finding("rope-base-small", length=int(length), value=base)
    original = f"{card.architecture}.rope.scaling.original_context_length"
    if kind == "yarn" and original not in card.metadata:
        yield finding("rope-scaling-incomplete", kind=kind, key=original)


def _output(card: Card) -> Iterator[Finding]:
    types = {tensor.name: tensor.type for tensor in card.header.tensors}
    kind = types.get("token_embd.weight", "")
    if kind in _COARSE and "output.weight" not in types:
        yield finding("tied-and-coarse", type=kind)
