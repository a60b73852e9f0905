"""The directory of models and settings that an administrator may load while a server runs."""

from __future__ import annotations

import asyncio
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from coblyn.cli.choose import missing_model, resolve_model
from coblyn.cli.foreign import read_foreign
from coblyn.engine.config import EngineConfig
from coblyn.engine.exchange import EngineExchange
from coblyn.errors import ModelNotFound, NotFound, SettingsError
from coblyn.models.check import writes
from coblyn.models.gguf import read_header
from coblyn.models.kcpps import is_kcpps
from coblyn.models.overrides import corrected
from coblyn.service.admin import INITIAL, UNLOAD
from coblyn.settings import EngineSettings, Settings

__all__ = ["AdminDirectory", "admin_of"]

_ENGINE = frozenset(each.name for each in fields(EngineSettings))


def admin_of(settings: Settings, engine: EngineExchange) -> AdminDirectory | None:
    """The loader of ``admin_dir``'s files; None if it is not set.

    Raises:
        SettingsError: It is not a directory.
    """
    if not settings.admin_dir:
        return None
    directory = Path(settings.admin_dir).expanduser().absolute()
    if not directory.is_dir():
        raise SettingsError(f"admin_dir {directory} is not a directory.")
    return AdminDirectory(directory, settings, engine)


class AdminDirectory:
    """Loads the files of a directory, and no others.

    Args:
        directory: Models (.gguf) and KoboldCPP's settings (.kcpps, .kcppt).
        settings: The server's initial settings.
        engine: The engine to replace.
    """

    def __init__(self, directory: Path, settings: Settings, engine: EngineExchange) -> None:
        self._directory = directory
        self._settings = settings
        self._engine = engine
        self._initial = engine.config

    def options(self) -> list[str]:
        """The names of the current files, and KoboldCPP's two special names."""
        found = [path.name for path in self._directory.iterdir() if _is_option(path)]
        return [*sorted(found), INITIAL, UNLOAD]

    async def load(self, name: str, base: str = "") -> None:
        """Load a model or settings by name; see ``Admin.load``."""
        if name == UNLOAD:
            await self._engine.unload()
        elif name == INITIAL:
            await self._engine.replace(self._initial)
        else:
            await self._engine.replace(await asyncio.to_thread(self._config, name, base))

    def _config(self, name: str, base: str) -> EngineConfig:
        values: dict[str, Any] = {}
        model: str | None = None
        for each in filter(None, (base, name)):
            path = self._file(each)
            foreign = read_foreign(str(path))
            values |= {k: v for k, v in foreign.settings[1].items() if k in _ENGINE}
            model = foreign.model or model
        file = self._model(model)
        settings: EngineSettings = self._settings
        if file:  # adapters and other files of the initial model are for that one only
            initial = EngineConfig.from_settings(settings, model=Path(self._initial.model))
            settings = initial.for_model(file)
        return EngineConfig.from_settings(
            replace(settings, **values),
            model=file,
            embeds=file is not None and not writes(corrected(read_header(file))),
            library=Path(self._initial.library) if self._initial.library else None,
            bundle=self._initial.bundle,
        )

    def _model(self, reference: str | None) -> Path | None:
        """The model's file; the initial one if none is named. The scripted engine has none."""
        if not self._initial.model:
            return None
        if reference is None:
            return Path(self._initial.model)
        if missing_model(reference):
            raise ModelNotFound(
                f"The model {reference} is not here.", hint=f"Get it: coblyn pull {reference}"
            )
        return resolve_model(reference, any_kind=True)

    def _file(self, name: str) -> Path:
        if name not in self.options():
            raise NotFound(f"There is no {name!r} in the directory of this server's settings.")
        return self._directory / name


def _is_option(path: Path) -> bool:
    return (is_kcpps(path.name) or path.name.lower().endswith(".gguf")) and path.is_file()
