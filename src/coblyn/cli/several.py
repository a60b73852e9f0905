"""Several models of one of llama-server's preset files: what each is called, its file, and its settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coblyn.errors import CoblynError, SettingsError
from coblyn.models.declared import Declared, DeclaredModels
from coblyn.models.llama_preset import LlamaPreset

__all__ = ["NOT_SEVERAL", "Several", "declare", "file_here"]

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


def declare(presets: Sequence[LlamaPreset], resolve: Callable[[str], Path]) -> Several:
    """The models of all sections whose files can be had; the others are told of.

    Sections with the same file share an engine if their settings of engines are the same.

    Args:
        presets: The sections.
        resolve: Finds the file of a model's reference, such as ``file_here``, or downloads it.

    Raises:
        SettingsError: A value is invalid, or none of the models is here.
    """
    declaring = _Declaring(resolve)
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

    def __init__(self, resolve: Callable[[str], Path]) -> None:
        self._resolve = resolve
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
            path = self._resolve(preset.model).absolute()
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


def file_here(reference: str) -> Path:
    """The file of a model, which is not downloaded.

    Raises:
        ModelError: It is not here, or cannot be loaded.
    """
    from coblyn.models import store
    from coblyn.models.check import check_model

    return check_model(store.find(reference)).path
