"""Several models of one of llama-server's preset files: what each is called, its file, and its settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coblyn.errors import CoblynError, SettingsError
from coblyn.models.declared import Declared, DeclaredModels
from coblyn.models.llama_preset import LlamaPreset

__all__ = ["NOT_SEVERAL", "Several", "declare"]

_FIELDS = "generation_defaults"


@dataclass(frozen=True, slots=True)
class Several:
    """The models of a file that are here.

    Attributes:
        models: Their names, files, settings, and defaults of requests.
        server: Settings that count for the server.
        told: Messages about sections, by their names.
    """

    models: DeclaredModels = field(default_factory=DeclaredModels)
    server: Mapping[str, Any] = field(default_factory=dict)
    told: Mapping[str, str] = field(default_factory=dict)


NOT_SEVERAL = Several()


def declare(presets: Sequence[LlamaPreset]) -> Several:
    """The models of all sections that are on this machine; the others are told of.

    Sections with the same file share an engine if their settings of engines are the same.

    Raises:
        SettingsError: A value is invalid, or none of the models is here.
    """
    declaring = _Declaring()
    for preset in presets:
        declaring.take(preset)
    if not declaring.models:
        raise SettingsError(
            f"None of the models of {presets[0].path} is here.",
            hint="\n".join(f"{name}: {why}" for name, why in declaring.told.items()),
        )
    models = DeclaredModels(declaring.models, declaring.first)
    return Several(models, declaring.server, declaring.told)


class _Declaring:
    """The sections of a file, taken one after the other."""

    def __init__(self) -> None:
        self.models: list[Declared] = []
        self.server: dict[str, Any] = {}
        self.first: Declared | None = None
        self.told: dict[str, str] = {}

    def take(self, preset: LlamaPreset) -> None:
        from coblyn.service.presets import check_values

        origin = f"The section {preset.name!r} in {preset.path}"
        defaults = preset.settings.get(_FIELDS, {})
        check_values(defaults, origin)
        own, server = _divided(origin, preset.settings)
        self._take_server(preset.name, server)
        try:
            path = _file_of(preset)
        except CoblynError as error:
            self.told[preset.name] = str(error)
            return
        model = Declared(preset.name, path, preset.aliases, defaults, own)
        self.models.append(model)
        if preset.starts and self.first is None:
            self.first = model
        elif preset.starts:
            self.told[preset.name] = "it is loaded when a request names it; one is at the start"

    def _take_server(self, name: str, server: Mapping[str, Any]) -> None:
        """Settings of the server, which are the same for all sections if they stand in ``[*]``."""
        for key, value in server.items():
            if self.server.setdefault(key, value) != value:
                self.told[name] = f"a server has one {key}, which an earlier section sets"


def _divided(origin: str, settings: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Settings of an engine, validated, and those of a server."""
    from coblyn.settings import EngineSettings, rules
    from coblyn.settings.own import checked

    names = {rule.name for rule in rules(EngineSettings)}
    own = {key: value for key, value in settings.items() if key in names}
    server = {k: each for k, each in settings.items() if k not in names and k != _FIELDS}
    return checked(origin, own), server


def _file_of(preset: LlamaPreset) -> Path:
    """The file of a section's model.

    Raises:
        ModelError: It is not here, or cannot be loaded.
    """
    from coblyn.cli.choose import missing_model
    from coblyn.errors import ModelNotFound
    from coblyn.models import store
    from coblyn.models.check import check_model

    if missing_model(preset.model):
        raise ModelNotFound(
            f"The model {preset.model} is not here.", hint=f"Get it: coblyn pull {preset.model}"
        )
    return check_model(store.find(preset.model)).path.absolute()
