"""All use cases over the models that are loaded, put together."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from coblyn.engine.interface import EngineClient
from coblyn.service.generate import Generator
from coblyn.service.hub import Hub
from coblyn.service.models import Models
from coblyn.service.quota import Quotas
from coblyn.service.shared import SharedStory
from coblyn.service.slots import Slots

__all__ = ["Services", "make_services"]


@dataclass(frozen=True, slots=True)
class Services:
    """What an API can ask for; ``slots`` and ``shared`` are None where the user did not ask for them."""

    models: Models
    generator: Generator
    hub: Hub
    slots: Slots | None = None
    shared: SharedStory | None = None


def make_services(
    engines: EngineClient | Sequence[EngineClient],
    *,
    is_strict: bool = False,
    slots: Slots | None = None,
    shared: SharedStory | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Services:
    """Services over an engine or several; they own nothing that has to be closed.

    Args:
        engines: One for each model; the first answers requests that name no model.
        is_strict: Refuse requests that name another model even where there is one only.
        slots: Where stories are saved.
        shared: The story that several people write.
        clock: Seconds that only grow.
    """
    models = Models(engines if isinstance(engines, Sequence) else [engines], is_strict=is_strict)
    hub = Hub(clock)
    return Services(models, Generator(models, hub, Quotas(clock)), hub, slots, shared)
