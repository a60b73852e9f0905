"""An API key as it is kept: a name, a hash, a scope and limits."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Literal

from msgspec import Meta

__all__ = ["SCOPES", "ApiKey", "Limits", "Scope", "find", "hash_of", "new_secret"]

Scope = Literal["generate", "admin"]
"""``generate``: use models. ``admin``: also what changes the server or tells of others."""

SCOPES: tuple[Scope, ...] = ("generate", "admin")

_Count = Annotated[int, Meta(ge=0, le=2**53)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What may be used at most; 0 stands for no limit.

    Attributes:
        requests_per_minute: Generations begun.
        tokens_per_minute: Tokens of prompts and answers together.
        max_running: Generations under way at the same time.
    """

    requests_per_minute: _Count = 0
    tokens_per_minute: _Count = 0
    max_running: _Count = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey(Limits):
    """A key.

    Attributes:
        name: The user's name for it; it stands in logs and metrics.
        hash: Of the secret, as ``hash_of`` writes it.
        scope: What it may be used for.
    """

    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")]
    hash: Annotated[str, Meta(pattern=r"^sha256:[0-9a-f]{64}$")]
    scope: Scope = "generate"


def new_secret() -> str:
    """A secret that nobody guesses: 256 random bits."""
    return f"cb-{secrets.token_urlsafe(32)}"


def hash_of(secret: bytes) -> str:
    """What is kept of a secret. It is random and long, so that a slow hash would add nothing."""
    return f"sha256:{sha256(secret).hexdigest()}"


def find(keys: Iterable[ApiKey], secret: bytes) -> ApiKey | None:
    """The key that a secret belongs to; the time that this takes says nothing of any hash."""
    wanted, found = hash_of(secret), None
    for key in keys:
        if hmac.compare_digest(key.hash, wanted):
            found = key
    return found
