"""An engine's configuration, which is sent to its process when it starts."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any, Self

from msgspec import Meta

from coblyn.settings import EngineSettings

__all__ = ["EngineConfig"]

MAX_SEQUENCES = 256
"""``LLAMA_MAX_SEQ`` of the pinned llama.cpp."""

_SPARE = 1
"""Number of sequences that a context may need for itself."""

_GUIDED = 8
"""One in so many running requests may be guided by a second sequence before another has to wait for its end."""


@dataclass(frozen=True, slots=True)
class EngineConfig(EngineSettings):
    """The configuration of one model in one context.

    Attributes:
        model: Path of the GGUF file; the scripted fake engine only uses its name.
        library: Directory of the bundle's libraries; empty for the scripted fake engine.
        bundle: Name of the bundle.
        max_context: Upper bound of the context that is chosen when ``context`` is 0.
        embeds: The model turns texts into vectors, and generates no text.
        added_adapters: Adapters that were added while an engine ran, in the format of ``adapters``; requests use them
            only by name.
        num_idle: Number of additional sequences that keep the results of finished requests.
    """

    model: str
    library: str = ""
    bundle: str = ""
    max_context: Annotated[int, Meta(ge=1, le=2**31 - 1)] = 8192
    embeds: bool = False
    added_adapters: tuple[str, ...] = ()
    num_idle: Annotated[int, Meta(ge=1, le=MAX_SEQUENCES)] = 8

    def __post_init__(self) -> None:
        """Refuse values that the library would abort on, and derive those that depend on ``max_running``.

        The batch has room for one token per sequence, a busy batch for one token per request and one prompt token.

        Raises:
            SettingsError: A number is out of range.
        """
        super(EngineConfig, self).__post_init__()
        self._fit("num_idle", 1, MAX_SEQUENCES - _SPARE - self.max_running)
        self._fit("batch", self.max_sequences + _SPARE, 2**16)
        self._fit("busy_batch", self.max_running + 1, self.batch)

    def _fit(self, name: str, low: int, high: int) -> None:
        object.__setattr__(self, name, min(max(getattr(self, name), low), high))

    @classmethod
    def from_settings(
        cls,
        settings: EngineSettings,
        *,
        model: Path | None = None,
        library: Path | None = None,
        bundle: str = "",
        embeds: bool = False,
    ) -> Self:
        """The configuration that the settings make for a model file on a bundle, or for the scripted engine."""
        chosen = {field.name: getattr(settings, field.name) for field in fields(EngineSettings)}
        return cls(str(model or ""), str(library or ""), bundle, embeds=embeds, **chosen)

    def for_model(self, model: Path) -> Self:
        """The same for another model file, without this one's adapters."""
        if str(model) == self.model:
            return self
        none: dict[str, Any] = {"adapters": (), "control_vectors": (), "added_adapters": ()}
        none["chat_template"] = ""
        if self.projector:
            none["projector"] = "auto"  # a projector of this one does not fit either
        return replace(self, model=str(model), **none)

    @property
    def wants_heads(self) -> bool:
        """Whether a model's prediction heads are wanted, if it has some; a draft model takes their place."""
        return self.draft_heads and self.speculation and not (self.draft_model or self.embeds)

    @property
    def max_sequences(self) -> int:
        """Number of sequences of the context, running and idle."""
        return self.max_running + self.num_idle

    @property
    def own_sequences(self) -> int:
        """Sequences of a context in which each has cells of its own: none is idle, but guided requests have two."""
        return self.max_running + min(self.num_idle, math.ceil(self.max_running / _GUIDED))
