"""What an engine is loaded with: a model's file, and what is set for it alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coblyn.files import real_path

__all__ = ["Setup"]


@dataclass(frozen=True, slots=True)
class Setup:
    """A model's file and its settings. Two are equal if their files, through links, and their settings are.

    Attributes:
        path: The file.
        settings: Pairs of a setting of an engine and its value, by name; over those of the user and of the server.
        least_context: Tokens of context that it is wanted for; 0 for whatever the server sets.
        real: The file, through all links.
    """

    path: Path = field(compare=False)
    settings: tuple[tuple[str, Any], ...] = ()
    least_context: int = 0
    real: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Find the file itself, once."""
        object.__setattr__(self, "real", real_path(self.path))

    @classmethod
    def of(cls, path: Path, settings: Mapping[str, Any]) -> Setup:
        """A file with settings."""
        return cls(path, tuple(sorted(settings.items())))

    @property
    def own(self) -> dict[str, Any]:
        """The settings of the engine, of which some may be none that an engine can have."""
        wanted = {"context": self.least_context} if self.least_context else {}
        return {**dict(self.settings), **wanted}
