"""All use cases over one engine, put together."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from coblyn.engine.interface import EngineClient
from coblyn.service.generate import Generator
from coblyn.service.hub import Hub
from coblyn.service.models import Models
from coblyn.service.prompt import Prompts
from coblyn.service.tokens import Tokens

__all__ = ["Services", "make_services"]


@dataclass(frozen=True, slots=True)
class Services:
    """What an API can ask for."""

    engine: EngineClient
    generator: Generator
    tokens: Tokens
    models: Models
    hub: Hub


def make_services(engine: EngineClient, *, clock: Callable[[], float] = time.monotonic) -> Services:
    """Services over an engine; they own nothing that has to be closed."""
    hub = Hub(clock)
    prompts = Prompts(engine)
    return Services(
        engine, Generator(engine, prompts, hub), Tokens(engine, prompts), Models(engine), hub
    )
