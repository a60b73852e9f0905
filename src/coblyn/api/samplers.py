"""Converts llama-server's ``samplers``, an order of names, to an order of KoboldCPP's numbers."""

from __future__ import annotations

from typing import Any

from coblyn.engine.params import DEFAULT_ORDER
from coblyn.engine.stages import STAGES
from coblyn.errors import BadRequest

__all__ = ["read_samplers"]

_NUMBERS = {
    "top_k": 0,
    "top_a": 1,
    "top_p": 2,
    "tail_free": 3,
    "tfs": 3,
    "tfs_z": 3,
    "typ_p": 4,
    "typical_p": 4,
    "typical": 4,
    "temperature": 5,
    "temp": 5,
    "penalties": 6,
    "repetition_penalty": 6,
}
_UNNUMBERED = STAGES.keys() - _NUMBERS.keys() | {"infill"}
"""Samplers with a fixed place in every order; their parameters switch them off."""

_LETTERS = {
    "k": "top_k",
    "p": "top_p",
    "y": "typ_p",
    "t": "temperature",
    "e": "penalties",
    "m": "min_p",
    "d": "dry",
    "x": "xtc",
    "s": "top_n_sigma",
    "i": "infill",
    "a": "adaptive_p",
}
"""llama-server's short form of the same list."""


def read_samplers(given: Any) -> tuple[int, ...]:
    """The order for a list of names, or a text of their letters.

    Samplers not named are not applied. Those without a number keep their place. Of a sampler under two of its names,
    as in orders that clients keep from older servers, the first counts.

    Raises:
        BadRequest: A name is unknown or occurs twice.
    """
    if given in (None, [], ""):
        return DEFAULT_ORDER
    names = [_LETTERS.get(each, each) for each in given] if isinstance(given, str) else given
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BadRequest("samplers must be a list of names.", field="samplers")
    for name in names:
        if name not in _NUMBERS and name not in _UNNUMBERED:
            raise BadRequest(f"samplers: {name[:32]!r} is not a sampler.", field="samplers")
    numbered = [name for name in names if name in _NUMBERS]
    if len(set(numbered)) < len(numbered):
        raise BadRequest("samplers holds a sampler twice.", field="samplers")
    return tuple(dict.fromkeys(_NUMBERS[name] for name in numbered))
