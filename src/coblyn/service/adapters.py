"""Resolves the adapters that requests choose by number, by name, by file, or as parts of a model's name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from coblyn.engine.adapter import AdapterInfo, adapter_set
from coblyn.engine.interface import EngineClient
from coblyn.engine.prompt import Adapter
from coblyn.errors import BadRequest

__all__ = ["AdapterChoice", "ModelAdapters"]

SEPARATOR = "+"
"""Separates a model's name from the names of adapters."""


@dataclass(frozen=True, slots=True)
class AdapterChoice:
    """An adapter chosen by a request.

    Attributes:
        which: Its number in the model's list, or its name.
        scale: Its strength; None for the adapter's default.
        file: Path of its file instead, if the user gave one; it is loaded if necessary.
    """

    which: int | str = ""
    scale: float | None = None
    file: str = ""


class ModelAdapters:
    """The adapters of a loaded model.

    Args:
        engine: The engine that loaded them.
    """

    def __init__(self, engine: EngineClient) -> None:
        self._engine = engine
        self._defaults: dict[str, float] | None = None

    @property
    def infos(self) -> tuple[AdapterInfo, ...]:
        """All adapters, in the order of their numbers."""
        return self._engine.info.adapters

    @property
    def defaults(self) -> dict[str, float]:
        """Names and scales of the adapters used by requests that choose none."""
        if self._defaults is None:
            return {info.name: info.scale for info in self.infos if info.is_on}
        return self._defaults

    def set_defaults(self, choices: Iterable[AdapterChoice]) -> None:
        """Set the adapters used by requests that choose none.

        Raises:
            BadRequest: There is no such adapter.
        """
        self._defaults = self._scales(choices)

    def named(self, suffix: str) -> tuple[AdapterChoice, ...] | None:
        """The adapters that a suffix of a model's name selects, such as ``+poet+old``; None if one does not exist."""
        names = {info.name.casefold(): info.name for info in self.infos}
        parts = [part.casefold() for part in suffix.split(SEPARATOR)[1:]]
        if not all(part in names for part in parts):
            return None
        return tuple(AdapterChoice(names[part]) for part in parts)

    async def chosen(
        self, of_name: Sequence[AdapterChoice], of_body: Sequence[AdapterChoice] | None
    ) -> tuple[Adapter, ...]:
        """The set of adapters for a request. Those of its body replace those of its model's name.

        Args:
            of_name: Adapters from its model's name.
            of_body: Adapters from its body; None if it has none.

        Raises:
            BadRequest: There is no such adapter.
            ModelError: A file is not an adapter, or one for another model.
        """
        if not of_name and of_body is None:
            return self._set(self.defaults)
        named = [await self._loaded(each) for each in (*of_name, *(of_body or ()))]
        return self._set(self._scales(named))

    async def _loaded(self, choice: AdapterChoice) -> AdapterChoice:
        """Load an adapter chosen by file, and give the choice by name."""
        if not choice.file:
            return choice
        path = choice.file
        known = next((info.name for info in self.infos if info.path == path), None)
        if known is None:
            known = f"file-{hashlib.blake2b(path.encode(), digest_size=8).hexdigest()}"
            await self._engine.add_adapter(f"{known}={path}")
        return AdapterChoice(known, choice.scale)

    def _scales(self, choices: Iterable[AdapterChoice]) -> dict[str, float]:
        found: dict[str, float] = {}
        for choice in choices:
            info = self._find(choice.which)
            found[info.name] = info.scale if choice.scale is None else choice.scale
        return found

    def _find(self, which: int | str) -> AdapterInfo:
        infos = self.infos
        if isinstance(which, int):
            found = infos[which] if 0 <= which < len(infos) else None
        else:
            wanted = which.casefold()
            found = next((info for info in infos if info.name.casefold() == wanted), None)
        if found is None:
            names = ", ".join(f"{number}: {info.name}" for number, info in enumerate(infos))
            raise BadRequest(
                f"There is no adapter {which!r} here.",
                field="lora",
                hint=f"There are {names}."
                if names
                else "Start the server with --adapter NAME=FILE.",
            )
        return found

    def _set(self, scales: dict[str, float]) -> tuple[Adapter, ...]:
        infos = {info.name: info for info in self.infos}
        return adapter_set(
            Adapter(infos[name].digest, scale, infos[name].kind)
            for name, scale in scales.items()
            if name in infos
        )
