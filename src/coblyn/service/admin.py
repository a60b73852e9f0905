"""What an administrator may change while a server runs: which model is loaded, and how."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Admin"]


class Admin(Protocol):
    """Loads other models and settings, by the names of files that the user put into a directory for that."""

    def options(self) -> list[str]:
        """The names that ``load`` knows now."""
        ...

    async def load(self, name: str, base: str = "") -> None:
        """Load what a name stands for; requests that run end as they began.

        Args:
            name: One of ``options``.
            base: One of them, whose settings hold where those of ``name`` say nothing; may be empty.

        Raises:
            NotFound: There is no such option.
            CoblynError: It cannot be loaded; what was loaded before goes on.
        """
        ...
