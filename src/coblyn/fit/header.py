"""Facts from a model's header that determine its memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from coblyn.engine.config import EngineConfig
from coblyn.fit.ladder import Facts
from coblyn.models.gguf import GgufHeader, read_header
from coblyn.models.splits import part_names

__all__ = ["facts_of", "headers_of"]


def headers_of(config: EngineConfig) -> Sequence[GgufHeader]:
    """The headers of all files of a model.

    Raises:
        ModelError: One cannot be read.
    """
    path = Path(config.model)
    names = [path.with_name(name) for name in part_names(path.name)]
    there = [name for name in names if name.is_file()]
    return [read_header(each) for each in (there if len(there) == len(names) else [path])]


def facts_of(config: EngineConfig, headers: Sequence[GgufHeader]) -> Facts:
    """The facts that determine what can be given up; accelerators are not known here."""
    header = headers[0]
    trained = header.context_length
    experts = header.metadata.get(f"{header.architecture}.expert_count", 0)
    return Facts(
        header.block_count,
        min(trained or config.max_context, config.max_context),
        trained,
        has_experts=bool(experts),
    )
