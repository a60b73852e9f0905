"""Which models there are to talk to."""

from __future__ import annotations

import time
from dataclasses import dataclass

from coblyn.engine.interface import EngineClient
from coblyn.errors import NotFound

__all__ = ["ModelEntry", "Models"]


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model.

    Attributes:
        id: Its name.
        created: When it was loaded, in seconds since 1970.
        context: Tokens of context.
    """

    id: str
    created: int
    context: int


class Models:
    """The models that this server serves; at present the one that is loaded.

    Args:
        engine: The engine that has it.
    """

    def __init__(self, engine: EngineClient) -> None:
        self._engine = engine
        self._created = int(time.time())

    def all(self) -> list[ModelEntry]:
        """Every model."""
        info = self._engine.info
        return [ModelEntry(info.name, self._created, info.context)]

    def get(self, name: str) -> ModelEntry:
        """The model of that name.

        Raises:
            NotFound: There is none.
        """
        for entry in self.all():
            if name in (entry.id, f"koboldcpp/{entry.id}"):
                return entry
        names = ", ".join(entry.id for entry in self.all())
        raise NotFound(f"There is no model {name!r} here.", hint=f"This server has {names}.")
