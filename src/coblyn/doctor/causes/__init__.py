"""The catalogue: every module of this package is one cause and calls it ``CAUSE``."""

from __future__ import annotations

import functools
import importlib
import pkgutil

from coblyn.doctor.cause import Cause
from coblyn.errors import NotFound

__all__ = ["catalogue", "cause"]


@functools.cache
def catalogue() -> tuple[Cause, ...]:
    """Every cause, by id."""
    names = sorted(
        module.name for module in pkgutil.iter_modules(__path__) if module.name[0] != "_"
    )
    return tuple(importlib.import_module(f"{__name__}.{name}").CAUSE for name in names)


def cause(name: str) -> Cause:
    """The cause with an id.

    Raises:
        NotFound: There is none of that id; the hint names those that are near.
    """
    import difflib

    known = {each.id: each for each in catalogue()}
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
    hint = f"Did you mean {' or '.join(near)}? " if near else ""
    raise NotFound(f"There is no cause {name!r}.", hint=f"{hint}All of them: coblyn doctor --list")
