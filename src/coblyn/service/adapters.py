"""What requests mean by adapters: numbers, names, files of made models, and parts of a model's name."""

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
"""Stands between a model's name and those of adapters."""


@dataclass(frozen=True, slots=True)
class AdapterChoice:
    """An adapter that a request wants.

    Attributes:
        which: Its number in the model's list, or its name.
        scale: How strongly; None for its own scale.
        file: Its file's whole path in place of that, where the user named one: it is loaded if need be.
    """

    which: int | str = ""
    scale: float | None = None
    file: str = ""


class ModelAdapters:
    """The adapters of a loaded model.

    Args:
        engine: What has loaded them.
    """

    def __init__(self, engine: EngineClient) -> None:
        self._engine = engine
        self._defaults: dict[str, float] | None = None

    @property
    def infos(self) -> tuple[AdapterInfo, ...]:
        """All of them, by their numbers."""
        return self._engine.info.adapters

    @property
    def defaults(self) -> dict[str, float]:
        """Names and scales of those that requests use which choose none."""
        if self._defaults is None:
            return {info.name: info.scale for info in self.infos if info.is_on}
        return self._defaults

    def set_defaults(self, choices: Iterable[AdapterChoice]) -> None:
        """Let requests that choose none use these, and no others.

        Raises:
            BadRequest: One is not here.
        """
        self._defaults = self._scales(choices)

    def named(self, suffix: str) -> tuple[AdapterChoice, ...] | None:
        """What stands behind a model's name, such as ``+poet+old``; None if it names one that is not here."""
        names = {info.name.casefold(): info.name for info in self.infos}
        parts = [part.casefold() for part in suffix.split(SEPARATOR)[1:]]
        if not all(part in names for part in parts):
            return None
        return tuple(AdapterChoice(names[part]) for part in parts)

    async def chosen(
        self, of_name: Sequence[AdapterChoice], of_body: Sequence[AdapterChoice] | None
    ) -> tuple[Adapter, ...]:
        """The set that a request computes with. Adapters of its body go before those of its model's name.

        Args:
            of_name: What the name of its model says.
            of_body: What its body says; None if it says nothing.

        Raises:
            BadRequest: One is not here.
            ModelError: A file is not an adapter, or one for another model.
        """
        if not of_name and of_body is None:
            return self._set(self.defaults)
        named = [await self._loaded(each) for each in (*of_name, *(of_body or ()))]
        return self._set(self._scales(named))

    async def _loaded(self, choice: AdapterChoice) -> AdapterChoice:
        """A choice by name, in place of one by file."""
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
