"""Completes bodies from presets and the user's defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from coblyn.errors import BadRequest
from coblyn.service.presets import Presets, same_parameter

__all__ = ["Wishes", "filled", "same_field"]

_SAME = (
    ("max_length", "max_tokens", "max_output_tokens", "n_predict", "num_predict"),
    ("stop_sequence", "stop", "stop_sequences"),
    ("sampler_seed", "seed"),
)
"""Names of the same field in different dialects; numeric parameters have theirs in the table."""

_OLD = {"max_completion_tokens": "max_tokens", "banned_strings": "banned_tokens"}
_OF_ADAPTERS = ("temperature", "top_k", "top_p", "min_p", "rep_pen", "max_length")
_ALL_NAMES = {name: names for names in _SAME for name in names}


@dataclass(frozen=True, slots=True)
class Wishes:
    """Presets and defaults for all dialects.

    Attributes:
        presets: The presets that a request may name.
        preset: Name of the default preset; empty for none.
        defaults: Default fields of requests, by KoboldCPP's names.
        defaults_win: Whether defaults override the requests' values.
    """

    presets: Presets = field(default_factory=Presets)
    preset: str = ""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    defaults_win: bool = False

    def of(
        self, body: Mapping[str, Any], settings: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Complete a body; its own values take precedence over those of its preset.

        Args:
            body: The parsed JSON body.
            settings: The settings its model was made with.

        Raises:
            BadRequest: It names an unknown preset.
        """
        named = body.get("preset")
        if named is not None and not isinstance(named, str):
            raise BadRequest("preset must be a name.", field="preset")
        adapter = _in_every_dialect(_adapter_defaults(body.get("adapter")))
        if not (named or adapter or self.preset or self.defaults or settings):
            return dict(body)
        chosen = [self.presets.find(named).values, adapter] if named else [adapter]
        usual = [self.presets.find(self.preset).values] if self.preset else []
        defaults = _in_every_dialect(self.defaults)
        made = _in_every_dialect(settings or {})
        if self.defaults_win:
            return filled(defaults, body, *chosen, made, *usual)
        return filled(body, *chosen, made, defaults, *usual)


def filled(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Merge several bodies: for each parameter, under any of its names, the first value counts.

    Null counts as not given. A value keeps the name that its body uses.
    """
    result: dict[str, Any] = {}
    said: set[str] = set()
    for layer in layers:
        new = {
            name: value
            for name, value in layer.items()
            if value is not None and said.isdisjoint(same_field(name))
        }
        said |= {each for name in new for each in same_field(name)}
        result |= new
    return result


def _adapter_defaults(adapter: Any) -> dict[str, Any]:
    """The generation parameters of one of KoboldCPP's chat adapters."""
    if not isinstance(adapter, dict):
        return {}
    return {name: adapter[name] for name in _OF_ADAPTERS if name in adapter}


def _in_every_dialect(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values under all dialects' names of non-numeric fields."""
    return {each: value for name, value in values.items() for each in _ALL_NAMES.get(name, (name,))}


def same_field(name: str) -> tuple[str, ...]:
    """All names of the field that a name means, in all dialects."""
    name = _OLD.get(name, name)
    return _ALL_NAMES.get(name) or same_parameter(name)
