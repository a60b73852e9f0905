"""The name of a request, by which an answer, its error and the log's line are found together."""

from __future__ import annotations

import secrets
from contextvars import ContextVar

__all__ = ["begin_request", "request_id"]

_current: ContextVar[str] = ContextVar("request_id", default="")


def begin_request() -> str:
    """A name for the request at hand, which holds for all that is done for it."""
    name = f"req_{secrets.token_hex(16)}"
    _current.set(name)
    return name


def request_id() -> str:
    """The name of the request at hand; one of its own outside of any."""
    return _current.get() or f"req_{secrets.token_hex(16)}"
