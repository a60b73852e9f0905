"""Models that a settings file declares: names for files, each with settings and defaults of requests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coblyn.models.modelfile import Modelfile
from coblyn.models.names import plain
from coblyn.models.setup import Setup
from coblyn.models.splits import plain_name

__all__ = ["Declared", "DeclaredModels"]


@dataclass(frozen=True, slots=True)
class Declared:
    """A name for a model's file.

    Attributes:
        name: The name.
        path: The file.
        aliases: Other names.
        defaults: Fields of requests that do not have them, by KoboldCPP's names.
        settings: Settings of its engine, by name.
    """

    name: str
    path: Path
    aliases: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def setup(self) -> Setup:
        """What its engine is loaded with."""
        return Setup.of(self.path, self.settings)

    @property
    def modelfile(self) -> Modelfile:
        """The same as settings of a model that is made from another."""
        return Modelfile(plain_name(self.path.name), parameters=self.defaults)


class DeclaredModels:
    """All of them, in their order.

    Args:
        models: The models; of several with one name the first counts.
        first: The one of them that the server begins with, if it begins with one.

    Attributes:
        first: The same.
    """

    def __init__(self, models: Iterable[Declared] = (), first: Declared | None = None) -> None:
        self._models = tuple(models)
        self.first = first
        named = ((name, each) for each in self._models for name in (each.name, *each.aliases))
        self._by_name = {plain(name): each for name, each in reversed([*named])}

    def __iter__(self) -> Iterator[Declared]:
        return iter(self._models)

    def named(self, name: str) -> Declared | None:
        """The one of that name, ignoring case, or None."""
        return self._by_name.get(plain(name))

    def of_setup(self, setup: Setup) -> Declared | None:
        """The first one with the same file and settings, or None."""
        return next((each for each in self._models if each.setup == setup), None)

    def of_file(self, setup: Setup) -> Declared | None:
        """The first one with the same file, or None."""
        return next((each for each in self._models if each.setup.real == setup.real), None)
