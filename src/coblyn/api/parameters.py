"""Reads the generation parameters of a body, with each dialect's names and its treatment of values out of range.

Everything is derived from the table in ``engine/params.py``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, Field, create_model

from coblyn.engine.parameter import Parameter
from coblyn.engine.params import DEFAULT_ORDER, PARAMETERS
from coblyn.engine.stages import REPLACED_BY_MIROSTAT
from coblyn.errors import BadRequest

__all__ = [
    "KOBOLD_NUMBERS",
    "OPENAI_NUMBERS",
    "NumbersReader",
    "read_breakers",
    "read_order",
    "report_replaced",
    "with_numbers",
]

Manner = Literal["lenient", "strict"]

_WRONG_TYPE = "The value has a wrong type; the default was used."


@dataclass(frozen=True, slots=True)
class NumbersReader:
    """Reads a dialect's numeric parameters.

    Attributes:
        names: The dialect's names of each parameter; the first name whose value has an effect counts.
        defaults: The dialect's defaults, by parameter name.
        lows: The dialect's minimums where they are below the table's, by parameter name.
        manner: Whether an invalid value is replaced and reported, or refused.
    """

    names: Mapping[str, tuple[str, ...]]
    defaults: Mapping[str, float]
    lows: Mapping[str, float]
    manner: Manner

    def read(self, body: Mapping[str, Any], warnings: dict[str, str]) -> dict[str, Any]:
        """The parameters of a body as fields of ``SamplingParams``; missing ones are left out.

        Args:
            body: The parsed JSON body. Null means "not given".
            warnings: Collects replacements, by the caller's names.

        Raises:
            BadRequest: In a strict dialect, a value is invalid; ``field`` has the caller's name for it.
        """
        found: dict[str, Any] = dict(self.defaults)
        for name, parameter in PARAMETERS.items():
            values = {
                called: value
                for called in self.names[name]
                if (value := self._one(parameter, called, body.get(called), warnings)) is not None
            }
            if values:
                found[name] = _chosen(parameter, list(values.values()))
        return found

    def called(self, name: str, body: Mapping[str, Any]) -> str:
        """A body's name for a parameter."""
        names = self.names[name]
        return next((called for called in names if body.get(called) is not None), names[0])

    def _one(
        self, parameter: Parameter, called: str, given: Any, warnings: dict[str, str]
    ) -> float | None:
        if given is None:
            return None
        value = _number(given, parameter, is_lenient=self.manner == "lenient")
        if self.manner == "strict":
            if value is None:
                kind = "an integer" if parameter.kind == "int" else "a number"
                raise BadRequest(f"{called} must be {kind}.", field=called)
            parameter.require(value, called)
            return value
        if value is None:
            warnings[called] = _WRONG_TYPE
            return None
        held = parameter.held(value, self.lows.get(parameter.name))
        if held != value:
            warnings[called] = f"{value:g} is out of range; {held:g} was used."
        return held


def _chosen(parameter: Parameter, values: list[float]) -> float:
    if parameter.takes_largest:
        return max(values)
    return next((value for value in values if not parameter.is_off(value)), values[0])


def _number(given: Any, parameter: Parameter, *, is_lenient: bool) -> float | None:
    """A value as a number of the parameter's kind; None if it is not one."""
    try:
        value = float(given) if isinstance(given, int | float | str) else math.nan
    except (ValueError, OverflowError):
        return None
    if not math.isfinite(value):
        return None
    if parameter.kind == "float":
        return value
    return int(value) if is_lenient or value == int(value) else None


def report_replaced(body: Mapping[str, Any]) -> dict[str, str]:
    """Warnings about a body's parameters that have no effect because mirostat is on."""
    names = OPENAI_NUMBERS.names
    mirostat = PARAMETERS["mirostat"]
    values = (_number(body.get(name), mirostat, is_lenient=True) for name in names["mirostat"])
    if not any(values):
        return {}
    return {
        called: "Mirostat takes its place."
        for name in REPLACED_BY_MIROSTAT
        for called in names[name]
        if _is_on(PARAMETERS[name], body.get(called))
    }


def _is_on(parameter: Parameter, given: Any) -> bool:
    value = None if given is None else _number(given, parameter, is_lenient=True)
    return value is not None and parameter.off is not None and not parameter.is_off(value)


def read_order(given: Any) -> tuple[int, ...]:
    """The sampler order of a body; KoboldCPP's default if it is null or empty.

    Raises:
        BadRequest: It is not a list of KoboldCPP's numbers, each at most once.
    """
    if given in (None, []):
        return DEFAULT_ORDER
    is_list = isinstance(given, list) and all(item in DEFAULT_ORDER for item in given)
    if not is_list or len(set(given)) < len(given):
        raise BadRequest(
            "sampler_order must hold numbers from 0 to 6, each at most once.", field="sampler_order"
        )
    return tuple(int(item) for item in given)


def read_breakers(given: Any) -> tuple[str, ...]:
    """DRY's sequence breakers: a list of texts, or one as JSON text.

    Raises:
        BadRequest: It is neither.
    """
    if isinstance(given, str) and given:
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            given = [given]
    if not given:
        return ()
    if not isinstance(given, list) or not all(isinstance(item, str) for item in given):
        raise BadRequest(
            "dry_sequence_breakers must be a list of texts.", field="dry_sequence_breakers"
        )
    return tuple(filter(None, given))


def with_numbers(model: type[BaseModel], reader: NumbersReader) -> type[BaseModel]:
    """A wire model with the parameters added as fields, for descriptions of the API."""
    rows: dict[str, Any] = {
        called: (
            float if row.kind == "float" else int,
            Field(_default(reader, row), description=row.meaning),
        )
        for name, row in PARAMETERS.items()
        for called in reader.names[name]
        if called not in model.model_fields
    }
    rows |= {name: row for name, row in _OTHERS.items() if name not in model.model_fields}
    return create_model(model.__name__, __base__=model, __doc__=model.__doc__, **rows)


def _default(reader: NumbersReader, row: Parameter) -> float:
    return reader.defaults.get(row.name, row.default)


_OTHERS = {
    "sampler_order": (
        list[int],
        Field(list(DEFAULT_ORDER), description="Numbers of samplers, in their order."),
    ),
    "dry_sequence_breakers": (
        list[str],
        Field([], description="Texts that end a repetition for DRY."),
    ),
    "preset": (
        str,
        Field("", description="Values for parameters not given; see /api/coblyn/presets."),
    ),
}
"""What every body has besides numbers."""

KOBOLD_NUMBERS = NumbersReader(
    names={name: row.names for name, row in PARAMETERS.items()},
    defaults={
        name: row.kobold_default
        for name, row in PARAMETERS.items()
        if row.kobold_default is not None
    },
    lows={name: row.kobold_low for name, row in PARAMETERS.items() if row.kobold_low is not None},
    manner="lenient",
)
"""KoboldAI's dialect."""

OPENAI_NUMBERS = NumbersReader(
    names={name: row.names + row.openai for name, row in PARAMETERS.items()},
    defaults={},
    lows={},
    manner="strict",
)
"""OpenAI's dialect, whose clients send Kobold's names too."""
