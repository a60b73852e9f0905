"""Assembles all services over the loaded models."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from coblyn import paths
from coblyn.engine.interface import EngineClient
from coblyn.models.declared import DeclaredModels
from coblyn.service.admin import Admin
from coblyn.service.demand import Demand
from coblyn.service.embeddings import Embeddings
from coblyn.service.generate import Generator
from coblyn.service.hub import Hub
from coblyn.service.inventory import Inventory
from coblyn.service.kept import Kept
from coblyn.service.loader import Loader
from coblyn.service.media import MediaLoader
from coblyn.service.models import Models
from coblyn.service.picker import Picker
from coblyn.service.plan import Planner
from coblyn.service.quota import Quotas
from coblyn.service.shared import SharedStory
from coblyn.service.slots import Slots
from coblyn.service.switch import Switch

if TYPE_CHECKING:
    from coblyn.mcp.tool_servers import ToolServers
    from coblyn.service.context import Contexts
    from coblyn.service.stories import Stories
    from coblyn.web_search.search import WebSearch

__all__ = ["Services", "make_services"]


@dataclass(frozen=True)
class Services:
    """The services for APIs; those that may be None are so unless the user enabled them."""

    models: Models
    generator: Generator
    hub: Hub
    inventory: Inventory
    embeddings: Embeddings
    journal: Path
    planner: Planner
    picker: Picker
    slots: Slots | None = None
    shared: SharedStory | None = None
    admin: Admin | None = None
    web: WebSearch | None = None
    tool_servers: ToolServers | None = None
    kept: Kept = field(default_factory=Kept)

    @cached_property
    def stories(self) -> Stories:
        """The stories of the journal; what knows them is imported for those who ask."""
        from coblyn.service import stories

        return stories.Stories(self.journal)

    @cached_property
    def contexts(self) -> Contexts:
        """What gives contexts of stories; likewise."""
        from coblyn.service import context

        return context.Contexts(self.tool_servers)

    async def close_stories(self) -> None:
        """Let go of the journal, if anyone asked for a story."""
        if "stories" in vars(self):
            await self.stories.close()


def make_services(
    engines: EngineClient | Sequence[EngineClient],
    *,
    is_strict: bool | None = None,
    max_completion: int = 0,
    slots: Slots | None = None,
    shared: SharedStory | None = None,
    admin: Admin | None = None,
    web: WebSearch | None = None,
    tool_servers: ToolServers | None = None,
    journal: Path | None = None,
    loader: Loader | None = None,
    switch: Switch | None = None,
    keep_seconds: float = 300.0,
    sleep_seconds: float = 0.0,
    media: MediaLoader | None = None,
    declared: DeclaredModels | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Services:
    """Make the services for one or several engines; the caller has to close the stories.

    Args:
        engines: One per model; the first answers requests that name no model.
        is_strict: Whether to refuse unknown model names even if there is only one model; None in Ollama's API only.
        max_completion: Maximum number of tokens of any completion; 0 for no limit.
        slots: Slots for saved stories.
        shared: The story that several people write together.
        admin: Loads other models.
        web: Searches the web.
        tool_servers: MCP servers whose tools models may call.
        journal: The file of the stories' journal; None for the user's. It is opened at the first use.
        loader: Loads models on demand; None if that is off.
        switch: Replaces the first model; None if that is off.
        keep_seconds: Seconds for which idle models loaded on demand are kept.
        sleep_seconds: The same for the first model; 0 keeps it forever.
        media: Sends images and sounds to the engines; None for a loader that fetches nothing.
        declared: Models that a settings file declares.
        clock: Gives monotonic seconds.
    """
    models = Models(_listed(engines), is_strict=is_strict, media=media, declared=declared)
    if loader:
        models.demand = Demand(
            models, loader, keep_seconds=keep_seconds, sleep_seconds=sleep_seconds
        )
    hub, quotas, inventory = Hub(clock), Quotas(clock), Inventory(models)
    return Services(
        models=models,
        generator=Generator(models, hub, quotas, max_completion=max_completion),
        hub=hub,
        inventory=inventory,
        embeddings=Embeddings(models, quotas),
        journal=journal or paths.journal(),
        planner=Planner(models, hub),
        picker=Picker(models, inventory, switch),
        slots=slots,
        shared=shared,
        admin=admin,
        web=web,
        tool_servers=tool_servers,
    )


def _listed(engines: EngineClient | Sequence[EngineClient]) -> Sequence[EngineClient]:
    return engines if isinstance(engines, Sequence) else [engines]
