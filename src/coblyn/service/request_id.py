"""The id of a request, which connects its answer, its error and its log line."""

from __future__ import annotations

import secrets
from contextvars import ContextVar

__all__ = ["begin_request", "request_id"]

_current: ContextVar[str] = ContextVar("request_id", default="")


def begin_request() -> str:
    """Set a new id for the current request and everything done for it."""
    name = f"req_{secrets.token_hex(16)}"
    _current.set(name)
    return name


def request_id() -> str:
    """The id of the current request; a new one outside of requests."""
    return _current.get() or f"req_{secrets.token_hex(16)}"
