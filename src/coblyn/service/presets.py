"""Named sets of generation parameters: those of KoboldAI Lite, and the user's in a file of the same format."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from coblyn.engine.params import DEFAULT_ORDER, PARAMETERS, SamplingParams
from coblyn.errors import BadRequest, SettingsError
from coblyn.files import read_text

__all__ = ["Preset", "Presets", "changes", "check_values", "same_parameter", "shipped"]

_BY_NAME = {
    name: parameter
    for parameter in PARAMETERS.values()
    for name in parameter.names + parameter.openai
}
_LISTS = ("sampler_order", "dry_sequence_breakers")
_LIMITS = frozenset({"max_candidates"})
"""Parameters that are limits of a program, not part of a preset."""


@dataclass(frozen=True, slots=True)
class Preset:
    """A set of generation parameters.

    Attributes:
        name: Display name.
        values: Values by KoboldCPP's names.
        is_own: Whether the user made it.
    """

    name: str
    values: Mapping[str, Any]
    is_own: bool = False


class Presets:
    """All presets by name, ignoring case.

    Args:
        own: The user's presets, which override shipped ones of the same name.
    """

    def __init__(self, own: tuple[Preset, ...] = ()) -> None:
        named = {preset.name.casefold(): preset for preset in shipped()}
        self._presets = named | {preset.name.casefold(): preset for preset in own}

    @classmethod
    def load(cls, file: Path) -> Presets:
        """Shipped presets and those of a user's file, which may be absent.

        Raises:
            SettingsError: The file cannot be read, or has an invalid value.
        """
        return cls(_read_file(file) if file.is_file() else ())

    def all(self) -> list[Preset]:
        """Every preset, shipped ones first."""
        return sorted(self._presets.values(), key=lambda preset: preset.is_own)

    def find(self, name: str) -> Preset:
        """A preset by its name.

        Raises:
            BadRequest: There is none; the hint suggests a similar name.
        """
        if preset := self._presets.get(name.strip().casefold()):
            return preset
        near = difflib.get_close_matches(name.casefold(), self._presets, n=1, cutoff=0.4)
        hint = f"Did you mean {self._presets[near[0]].name!r}? " if near else ""
        raise BadRequest(
            f"There is no preset {name!r}.",
            field="preset",
            hint=f"{hint}`coblyn presets` lists them, and so does /api/coblyn/presets.",
        )


@cache
def shipped() -> tuple[Preset, ...]:
    """The presets of KoboldAI Lite, each with a value for every sampler."""
    text = files("coblyn.service").joinpath("presets.toml").read_text(encoding="utf-8")
    neutral = _neutral()
    return tuple(Preset(name, neutral | values) for name, values in tomllib.loads(text).items())


def changes(preset: Preset) -> dict[str, Any]:
    """The values of a preset that are not neutral."""
    neutral = _neutral()
    return {name: each for name, each in preset.values.items() if each != neutral.get(name)}


def _neutral() -> dict[str, Any]:
    values: dict[str, Any] = {
        row.names[0]: row.default for name, row in PARAMETERS.items() if name not in _LIMITS
    }
    return values | {"sampler_order": list(DEFAULT_ORDER)}


def same_parameter(name: str) -> tuple[str, ...]:
    """All names of the parameter that a name means, that name included."""
    parameter = _BY_NAME.get(name)
    return parameter.names + parameter.openai if parameter else (name,)


def check_values(values: Mapping[str, Any], origin: str) -> None:
    """Refuse invalid values of generation parameters; names of no parameter are ignored.

    Args:
        values: Values by request names.
        origin: Their origin, for the message.

    Raises:
        SettingsError: One is out of range or of a wrong type.
    """
    for name, value in values.items():
        try:
            _check(name, value)
        except BadRequest as error:
            raise SettingsError(f"{origin}: {error.message}") from error


def _check(name: str, value: Any) -> None:
    if name in _LISTS:
        is_list = isinstance(value, list) and not any(isinstance(item, dict) for item in value)
        if not is_list:
            raise BadRequest(f"{name} must be a list.", field=name)
        given: dict[str, Any] = {name: tuple(value)}
        SamplingParams(**given)
    elif parameter := _BY_NAME.get(name):
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise BadRequest(f"{name} must be a number.", field=name)
        if parameter.kind == "int" and value != int(value):
            raise BadRequest(f"{name} must be an integer.", field=name)
        parameter.require(value, name)


def _read_file(file: Path) -> tuple[Preset, ...]:
    try:
        tables = tomllib.loads(read_text(file))
    except (OSError, ValueError) as error:
        raise SettingsError(f"The presets in {file} cannot be read: {error}.") from error
    return tuple(_own(file, name, values) for name, values in tables.items())


def _own(file: Path, name: str, values: Any) -> Preset:
    origin = f"The preset {name!r} in {file}"
    if not isinstance(values, dict):
        raise SettingsError(
            f"{origin} is not a table.", hint='Write a line ["My preset"], and values below it.'
        )
    known = {*_BY_NAME, *_LISTS}
    for each in values:
        if each not in known:
            near = difflib.get_close_matches(each, known, n=1)
            hint = f"Did you mean {near[0]}?" if near else "docs/reference.md lists what there is."
            raise SettingsError(f"{origin} sets {each}, which is not a parameter.", hint=hint)
    check_values(values, origin)
    return Preset(name, values, is_own=True)
