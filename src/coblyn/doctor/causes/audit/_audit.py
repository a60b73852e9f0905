"""Helpers shared by the causes that report the results of an audit of binaries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.doctor.causes import _tree
from coblyn.doctor.finding import Evidence
from coblyn.doctor.tree.files import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from coblyn.doctor.cause import Diagnose
    from coblyn.doctor.finding import Finding
    from coblyn.native.audit.report import AuditReport
    from coblyn.native.binary.binary import Binary

__all__ = ["MOST", "agree", "audited", "listed", "names_of", "seen", "seen_each"]

MOST = 6
"""Maximum number of pieces of evidence per finding."""


def audited(find: Callable[[AuditReport], Finding | None]) -> Diagnose:
    """Examine the result of an audit; finds nothing without one."""
    return lambda case: find(case.binaries) if case.binaries else None


def seen(binary: Binary, text: str) -> Evidence:
    """Evidence in a binary."""
    text = f"{binary.member}: {text}" if binary.member else text
    return Evidence(str(binary.path), 0, printable(text))


def seen_each(items: Iterable[tuple[Binary, str]]) -> tuple[Evidence, ...]:
    """Evidence in several binaries, limited to the first few."""
    return tuple(seen(binary, text) for binary, text in items)[:MOST]


def listed(names: Sequence[str], most: int = 3) -> str:
    """Some names as a phrase, each once."""
    return _tree.listed(list(dict.fromkeys(names)), most)


def names_of(items: Iterable[Binary]) -> str:
    """The labels of the binaries as a phrase, each once."""
    return listed([each.label for each in items])


def agree(items: Iterable[Binary], one: str, many: str) -> str:
    """The verb that goes with `names_of`."""
    return one if len({each.label for each in items}) == 1 else many
