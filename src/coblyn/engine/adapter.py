"""Facts about adapters, and sets of them: LoRA adapters and control vectors that modify a model per request.

A request's set is part of its prompt's namespace, so results computed with one set are never reused with another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from coblyn.engine.prompt import Adapter
from coblyn.errors import BadRequest
from coblyn.models.adapter import AdapterKind

__all__ = ["AdapterInfo", "adapter_set", "require_known"]


@dataclass(frozen=True, slots=True)
class AdapterInfo:
    """Facts about an adapter.

    Attributes:
        name: The name that requests use.
        path: Its file.
        digest: Hash of its content.
        scale: Default strength for requests that give none; 1 is the strength it was trained with.
        kind: ``lora`` or ``control``.
        is_on: Whether requests that choose no adapters use it.
    """

    name: str
    path: str
    digest: str
    scale: float = 1.0
    kind: AdapterKind = "lora"
    is_on: bool = False


def adapter_set(chosen: Iterable[Adapter]) -> tuple[Adapter, ...]:
    """Normalize a choice of adapters, so that equal choices compare equal: sorted, without those of scale 0."""
    found: dict[str, Adapter] = {}
    for adapter in chosen:
        before = found.get(adapter.digest)
        scale = adapter.scale + (before.scale if before else 0.0)
        found[adapter.digest] = Adapter(adapter.digest, scale, adapter.kind)
    return tuple(adapter for _, adapter in sorted(found.items()) if adapter.scale)


def require_known(chosen: Sequence[Adapter], known: Iterable[AdapterInfo]) -> None:
    """Refuse adapters that are not loaded.

    Raises:
        BadRequest: One is not.
    """
    digests = {info.digest for info in known}
    if any(adapter.digest not in digests for adapter in chosen):
        raise BadRequest(
            "The engine has not loaded an adapter that the request wants.",
            field="lora",
            hint="Send the request again.",
        )
