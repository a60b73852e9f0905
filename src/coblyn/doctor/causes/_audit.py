"""What the causes share that an audit of binaries finds: no log and no tree can tell of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.doctor.causes import _tree
from coblyn.doctor.finding import Evidence
from coblyn.doctor.tree.files import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from coblyn.doctor.cause import Case
    from coblyn.doctor.finding import Finding
    from coblyn.native.binary.binary import Binary

__all__ = ["MOST", "agree", "listed", "names_of", "no_binaries", "seen", "seen_each"]

MOST = 6
"""How many pieces of evidence a finding shows."""


def no_binaries(_: Case) -> Finding | None:
    """A case has no binaries; the audit calls the cause's `find` with what it saw."""
    return None


def seen(binary: Binary, text: str) -> Evidence:
    """Evidence in a binary."""
    text = f"{binary.member}: {text}" if binary.member else text
    return Evidence(str(binary.path), 0, printable(text))


def seen_each(items: Iterable[tuple[Binary, str]]) -> tuple[Evidence, ...]:
    """Evidence in some binaries, the first few of it."""
    return tuple(seen(binary, text) for binary, text in items)[:MOST]


def listed(names: Sequence[str], most: int = 3) -> str:
    """Some names as a phrase, each once."""
    return _tree.listed(list(dict.fromkeys(names)), most)


def names_of(items: Iterable[Binary]) -> str:
    """The binaries as people name them, each once."""
    return listed([each.label for each in items])


def agree(items: Iterable[Binary], one: str, many: str) -> str:
    """The verb that goes with `names_of`."""
    return one if len({each.label for each in items}) == 1 else many
