"""A stored API key: a name, a hash, a scope and limits."""

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
"""``generate``: use models. ``admin``: also change the server and see other callers' data."""

SCOPES: tuple[Scope, ...] = ("generate", "admin")

_Count = Annotated[int, Meta(ge=0, le=2**53)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of use; 0 for no limit.

    Attributes:
        requests_per_minute: Maximum number of generations started per minute.
        tokens_per_minute: Maximum number of tokens of prompts and answers per minute.
        max_running: Maximum number of active generations.
    """

    requests_per_minute: _Count = 0
    tokens_per_minute: _Count = 0
    max_running: _Count = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey(Limits):
    """A key.

    Attributes:
        name: The user's name for it, used in logs and metrics.
        hash: Hash of the secret, as ``hash_of`` makes it.
        scope: What it permits.
    """

    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")]
    hash: Annotated[str, Meta(pattern=r"^sha256:[0-9a-f]{64}$")]
    scope: Scope = "generate"


def new_secret() -> str:
    """A new secret of 256 random bits."""
    return f"cb-{secrets.token_urlsafe(32)}"


def hash_of(secret: bytes) -> str:
    """The hash of a secret. Secrets are long and random, so a slow hash would add nothing."""
    return f"sha256:{sha256(secret).hexdigest()}"


def find(keys: Iterable[ApiKey], secret: bytes) -> ApiKey | None:
    """The key that a secret belongs to, compared in constant time."""
    wanted, found = hash_of(secret), None
    for key in keys:
        if hmac.compare_digest(key.hash, wanted):
            found = key
    return found
