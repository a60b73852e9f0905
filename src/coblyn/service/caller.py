"""The caller of the current request, kept in a context variable so that it is not passed through every call."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass

from coblyn.keys.key import ApiKey, Limits, Scope

__all__ = ["CALLER", "LOCAL", "Caller"]

NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Caller:
    """The holder of an API key, or a local program without one.

    Attributes:
        name: Name of the key; ``local`` for programs on this machine without a key.
        scope: What the caller may do.
        limits: How much the caller may use.
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
"""The caller of the current request."""
