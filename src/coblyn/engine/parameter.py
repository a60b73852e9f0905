"""One row of the table of generation parameters: the meaning and the range of a number."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal

from coblyn.errors import BadRequest

__all__ = ["LARGEST", "LARGEST_INT", "Interval", "Parameter", "number", "whole"]

LARGEST = 1e30
"""Larger numbers would overflow in the samplers, which use single precision and sum over a whole context."""

LARGEST_INT = 2**31 - 1

Interval = tuple[float, float]
"""A range of numbers, ends included."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One generation parameter that is a number.

    Attributes:
        name: Field of ``SamplingParams``.
        kind: Whether it is a floating-point number or an integer.
        default: The neutral value, or the best match for the parameter that switches its sampler on.
        range: Allowed values.
        off: Values that change nothing; None if another parameter switches the sampler.
        meaning: Its effect, in one line.
        source: Its origin: a paper, a pull request or a program.
        names: Its names in requests of every dialect, KoboldCPP's name first.
        openai: Additional names in requests of OpenAI's dialect.
        kobold_default: The default in KoboldAI's dialect, if it differs from ``default``.
        kobold_low: The minimum in KoboldAI's dialect, if it differs from the range's.
        outside: Replacement of a value out of range in dialects that do not refuse it: the nearest value, or the
            default.
        takes_largest: If a request has several of its names, use the largest value; otherwise the first that is not
            off.
    """

    name: str
    kind: Literal["float", "int"]
    default: float
    range: Interval
    off: Interval | None
    meaning: str
    source: str
    names: tuple[str, ...]
    openai: tuple[str, ...] = ()
    kobold_default: float | None = None
    kobold_low: float | None = None
    outside: Literal["nearest", "default"] = "nearest"
    takes_largest: bool = False

    def is_off(self, value: float) -> bool:
        """Whether a value changes nothing."""
        return self.off is not None and self.off[0] <= value <= self.off[1]

    def is_allowed(self, value: float) -> bool:
        """Whether a value is in range; NaN never is."""
        return self.range[0] <= value <= self.range[1]

    @property
    def rule(self) -> str:
        """The range in words."""
        low, high = self.range
        unit = "an integer " if self.kind == "int" else ""
        return f"{unit}between {_text(low)} and {_text(high)}"

    def require(self, value: float, called: str = "") -> None:
        """Refuse a value out of range.

        Args:
            value: The value.
            called: The caller's name for the parameter.

        Raises:
            BadRequest: The value is out of range; ``field`` is ``called``, and the message gives the range.
        """
        if not self.is_allowed(value):
            name = called or self.name
            raise BadRequest(f"{name} must be {self.rule}.", field=name)

    def held(self, value: float, low: float | None = None) -> float:
        """The value, or its replacement if it is out of range: the nearest end of the range, or the default.

        Args:
            value: Any number; NaN gives the default.
            low: Another lower end of the range.
        """
        least = self.range[0] if low is None else low
        if least <= value <= self.range[1]:
            return value
        if self.outside == "default" or math.isnan(value):
            return self.default
        return max(least, min(value, self.range[1]))


def _text(value: float) -> str:
    is_short = value == int(value) and abs(value) <= LARGEST_INT + 1
    return str(int(value)) if is_short else f"{value:g}"


def number(default: float, *, off: Interval | None = None, **row: Any) -> Any:
    """Define a floating-point field of ``SamplingParams``, with its row of the table."""
    return field(default=default, metadata={"kind": "float", "off": off, **_everything(row)})


def whole(default: int, *, off: Interval | None = None, **row: Any) -> Any:
    """Define an integer field of ``SamplingParams``, with its row of the table."""
    return field(default=default, metadata={"kind": "int", "off": off, **_everything(row)})


def _everything(row: dict[str, Any]) -> dict[str, Any]:
    return {"range": (-LARGEST, LARGEST)} | row
