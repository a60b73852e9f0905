"""Sampling parameters of llama-server's API: its defaults, and its meaning of 0."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from coblyn.api.parameters import OPENAI_NUMBERS, NumbersReader

__all__ = ["BREAKERS", "LLAMA_NUMBERS", "read_numbers"]

BREAKERS = ("\n", ":", '"', "*")
"""Default sequence breakers of DRY."""

LLAMA_NUMBERS = NumbersReader(
    names=OPENAI_NUMBERS.names,
    defaults={
        "temperature": 0.8,
        "top_k": 40,
        "top_p": 0.95,
        "min_p": 0.05,
        "repetition_range": 64,
        "xtc_threshold": 0.1,
    },
    lows={},
    manner="strict",
)


def read_numbers(body: Mapping[str, Any]) -> dict[str, Any]:
    """The sampling parameters of a body that are numbers.

    In llama-server's API a range of 0 tokens switches a sampler off; in the table of parameters it means all tokens.

    Raises:
        BadRequest: A value is invalid; ``field`` names it.
    """
    numbers = LLAMA_NUMBERS.read(body, {})
    if body.get("repeat_last_n") == 0:
        numbers |= {"repetition_penalty": 1.0, "presence_penalty": 0.0, "frequency_penalty": 0.0}
    if body.get("dry_penalty_last_n") == 0:
        numbers["dry_multiplier"] = 0.0
    return numbers
