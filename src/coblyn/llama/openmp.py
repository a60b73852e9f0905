"""How OpenMP's threads wait for each other, which libgomp reads from the environment once, when it is loaded.

By default a thread spins 300,000 times before it sleeps, which takes 20 milliseconds or more. Beside other programs, a
spinning thread may occupy the core that the awaited thread needs, hundreds of times per token.
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
    """Variables that limit spinning; none if the user has chosen how threads wait."""
    if any(environ.get(name) for name in _CHOICES):
        return {}
    return {"GOMP_SPINCOUNT": str(SPINS)}


@contextmanager
def bounded_waiting() -> Iterator[None]:
    """Limit spinning for libraries loaded within the block; afterwards the environment is restored."""
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
