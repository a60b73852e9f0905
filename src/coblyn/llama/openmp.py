"""How the threads of OpenMP wait for each other: libgomp reads that from the environment, once, when it is loaded.

By itself it looks 300,000 times before it sleeps, up to 20 milliseconds and more. Beside other programs the thread that
is waited for has no core then, since the one that waits keeps it, hundreds of times per token.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

__all__ = ["SPINS", "bounded_waiting", "waiting"]

SPINS = 1000
"""Looks before a thread sleeps; measured in docs/decisions.md."""

_CHOICES = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")


def waiting(environ: Mapping[str, str]) -> dict[str, str]:
    """Variables that bound it; none where the user has chosen how threads wait."""
    if any(environ.get(name) for name in _CHOICES):
        return {}
    return {"GOMP_SPINCOUNT": str(SPINS)}


@contextmanager
def bounded_waiting() -> Iterator[None]:
    """Let libraries that are loaded in the block wait so; what is loaded later sees the environment as it was."""
    changed = waiting(os.environ)
    before = {name: os.environ.get(name) for name in changed}
    os.environ.update(changed)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
