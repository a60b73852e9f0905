"""Facts from a model's header that determine its memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from coblyn.engine.config import EngineConfig
from coblyn.fit.ladder import Facts
from coblyn.models.gguf import GgufHeader
from coblyn.models.heads import heads_of
from coblyn.models.overrides import corrected
from coblyn.models.splits import read_headers

__all__ = ["facts_of", "headers_of"]


def headers_of(config: EngineConfig) -> Sequence[GgufHeader]:
    """The headers of all files of a model, with the corrections beside it.

    Raises:
        ModelError: One cannot be read.
        SettingsError: The corrections cannot be read.
    """
    first, *others = read_headers(Path(config.model))
    return (corrected(first), *others)


def facts_of(config: EngineConfig, headers: Sequence[GgufHeader]) -> Facts:
    """The facts that determine what can be given up; accelerators are not known here."""
    header = headers[0]
    trained = header.context_length
    heads = heads_of(headers)
    experts = header.metadata.get(f"{header.architecture}.expert_count", 0)
    return Facts(
        header.block_count,
        min(trained or config.max_context, config.max_context),
        trained,
        has_experts=bool(experts),
        has_heads=heads is not None and heads.are_usable,
    )
