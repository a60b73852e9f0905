"""The catalogue: a directory per family of causes, with a table of their texts and signs.

A cause that signs alone cannot detect has a module of the same name next to the table, which defines ``CAUSE``.
"""

from __future__ import annotations

import functools
import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from coblyn.doctor.causes._table import TABLE, table
from coblyn.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coblyn.doctor.cause import Cause

__all__ = ["catalogue", "cause"]


@functools.cache
def catalogue() -> tuple[Cause, ...]:
    """Every cause, by id."""
    families = (path.parent for path in Path(__file__).parent.glob(f"*/{TABLE}"))
    causes = [each for family in families for each in _of(family)]
    return tuple(sorted(causes, key=lambda each: each.id))


def _of(family: Path) -> Iterator[Cause]:
    modules = {path.stem for path in family.iterdir()}
    for name, entry in table(family).items():
        module = name.replace("-", "_")
        if module in modules:
            yield importlib.import_module(f"{__name__}.{family.name}.{module}").CAUSE
        else:
            yield entry


def cause(name: str) -> Cause:
    """The cause with the given id.

    Raises:
        NotFound: There is no cause with that id; the hint lists similar ids.
    """
    import difflib

    known = {each.id: each for each in catalogue()}
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
    hint = f"Did you mean {' or '.join(near)}? " if near else ""
    raise NotFound(f"There is no cause {name!r}.", hint=f"{hint}All of them: coblyn doctor --list")
