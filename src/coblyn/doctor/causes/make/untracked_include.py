"""An included makefile with rules that git does not track."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._table import described
from coblyn.doctor.causes._tree import at, listed, shown
from coblyn.doctor.finding import Confidence, Fix, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coblyn.doctor.cause import Case
    from coblyn.doctor.finding import Finding
    from coblyn.doctor.tree.make.database import Include, MakeDatabase
    from coblyn.doctor.tree.tree import Tree

__all__ = ["CAUSE"]


def _diagnose(case: Case) -> Finding | None:
    if case.tree is None:
        return None
    for include, targets, common in _unknown(case.tree):
        path = shown(include.path)
        kind = case.tree.git.says(include.path)
        return CAUSE.finding(
            at(include.place, include.text),
            story=(
                f"{path} is {kind} by git and has rules for {listed(targets)}."
                if kind == "ignored"
                else f"git does not know {path}, which has rules for {listed(targets)}.",
                f"Of these, the project's own makefiles define {listed(common)} too."
                if common
                else "The project's own makefiles do not define these.",
                CAUSE.explanation,
            ),
            fix=Fix(text=CAUSE.fix),
            confidence=Confidence.MEDIUM,
            severity=Severity.RISK if common else Severity.NOTE,
        )
    return None


def _unknown(tree: Tree) -> Iterator[tuple[Include, list[str], list[str]]]:
    """Includes that are not part of the repository, their targets, and the targets that others define too."""
    for database in tree.makes:
        if tree.git.says(database.makefile) != "tracked":
            continue
        for include in database.includes:
            targets = sorted(database.recipe_targets(include.path))
            known = tree.git.says(include.path) in ("tracked", "")
            if include.is_found and targets and not include.is_dependencies and not known:
                yield include, targets, _common(database, include, targets)


def _common(database: MakeDatabase, include: Include, targets: list[str]) -> list[str]:
    return [
        target
        for target in targets
        if any(rule.place.file != include.path for rule in database.recipes(target))
    ]


CAUSE: Cause = described(__name__, _diagnose)
