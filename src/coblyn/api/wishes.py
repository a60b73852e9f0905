"""What a body asks for together with what the user chose for requests that do not say: presets and defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from coblyn.errors import BadRequest
from coblyn.service.presets import Presets, same_parameter

__all__ = ["Wishes", "filled"]

_SAME = (
    ("max_length", "max_tokens", "max_output_tokens", "n_predict", "num_predict"),
    ("stop_sequence", "stop", "stop_sequences"),
    ("sampler_seed", "seed"),
)
"""What dialects call the same; parameters that are numbers have such names in their table."""

_OLD = {"max_completion_tokens": "max_tokens", "banned_strings": "banned_tokens"}
_OF_ADAPTERS = ("temperature", "top_k", "top_p", "min_p", "rep_pen", "max_length")
_ALL_NAMES = {name: names for names in _SAME for name in names}


@dataclass(frozen=True, slots=True)
class Wishes:
    """What goes for requests of every dialect.

    Attributes:
        presets: The presets that a request may name.
        preset: Name of the preset of requests that name none; empty for none.
        defaults: Fields of requests that do not have them, by KoboldCPP's names.
        defaults_win: They replace what requests have, too.
    """

    presets: Presets = field(default_factory=Presets)
    preset: str = ""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    defaults_win: bool = False

    def of(
        self, body: Mapping[str, Any], settings: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """A body with all that it asks for; its own values go before those of the preset that it names.

        Args:
            body: As JSON gave it.
            settings: What the model that it names was made with.

        Raises:
            BadRequest: It names a preset that is not there.
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
    """Several bodies as one: of each parameter, whatever it is called, the first that says something counts.

    Null says nothing. A value keeps the name that its layer has for it.
    """
    result: dict[str, Any] = {}
    said: set[str] = set()
    for layer in layers:
        new = {
            name: value
            for name, value in layer.items()
            if value is not None and said.isdisjoint(_names(name))
        }
        said |= {each for name in new for each in _names(name)}
        result |= new
    return result


def _adapter_defaults(adapter: Any) -> dict[str, Any]:
    """The generation parameters of one of KoboldCPP's chat adapters."""
    if not isinstance(adapter, dict):
        return {}
    return {name: adapter[name] for name in _OF_ADAPTERS if name in adapter}


def _in_every_dialect(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values under all names that dialects have for what is not a number of the table."""
    return {each: value for name, value in values.items() for each in _ALL_NAMES.get(name, (name,))}


def _names(name: str) -> tuple[str, ...]:
    name = _OLD.get(name, name)
    return _ALL_NAMES.get(name) or same_parameter(name)
