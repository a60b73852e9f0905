"""Facts about adapters, and sets of them: LoRA adapters and control vectors, which change a model for requests.

A request's set is a part of its prompt's namespace, so nothing that was computed with one is taken for another's.
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
        name: What requests call it.
        path: Its file.
        digest: Names its content.
        scale: How strongly it works where a request does not say; 1 as it was trained.
        kind: ``lora`` or ``control``.
        is_on: Whether requests use it that choose no adapters.
    """

    name: str
    path: str
    digest: str
    scale: float = 1.0
    kind: AdapterKind = "lora"
    is_on: bool = False


def adapter_set(chosen: Iterable[Adapter]) -> tuple[Adapter, ...]:
    """Adapters as the one value that equal choices have: in an order of their own, without those that do nothing."""
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
