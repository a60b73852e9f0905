"""What an administrator may change while a server runs: the model and its settings."""

from __future__ import annotations

from typing import Protocol

__all__ = ["INITIAL", "UNLOAD", "Admin"]

INITIAL, UNLOAD = "initial_model", "unload_model"
"""KoboldCPP's names for the model that the server began with and for no model."""


class Admin(Protocol):
    """Loads other models and settings by the names of files in the user's administration directory."""

    def options(self) -> list[str]:
        """The names that ``load`` accepts now."""
        ...

    async def load(self, name: str, base: str = "") -> None:
        """Load a model or settings by name; running requests end with the old model.

        Args:
            name: One of ``options``; ``INITIAL`` and ``UNLOAD`` are among them.
            base: Another option, whose settings apply where those of ``name`` give none; may be empty.

        Raises:
            NotFound: There is no such option.
            CoblynError: It cannot be loaded; the old model goes on.
        """
        ...
