"""On whose behalf something is done: known to the use cases, without being passed through every call."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass

from coblyn.keys.key import ApiKey, Limits, Scope

__all__ = ["CALLER", "LOCAL", "Caller"]

NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Caller:
    """Someone who may ask.

    Attributes:
        name: Name of the key; ``local`` for programs of this machine that showed none.
        scope: What they may do.
        limits: How much they may use.
    """

    name: str = "local"
    scope: Scope = "admin"
    limits: Limits = NO_LIMITS

    @classmethod
    def of(cls, key: ApiKey) -> Caller:
        """The caller that a key belongs to."""
        return cls(key.name, key.scope, key)


LOCAL = Caller()

CALLER: ContextVar[Caller] = ContextVar("coblyn_caller", default=LOCAL)
"""The caller of the request at hand."""
