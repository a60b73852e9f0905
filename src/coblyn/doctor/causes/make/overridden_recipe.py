"""A target with two recipes, of which make uses the last."""

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
    from coblyn.doctor.tree.make.database import Rule
    from coblyn.doctor.tree.tree import Tree

__all__ = ["CAUSE"]

_EVIDENCE = 3


def _diagnose(case: Case) -> Finding | None:
    found = list(_overridden(case.tree)) if case.tree else []
    if not found:
        return None
    targets = [rules[0].target for rules in found]
    first, last = found[0][0], found[0][-1]
    return CAUSE.finding(
        *(
            at(rule.place, f"has a recipe for {rule.target}")
            for rules in found[:_EVIDENCE]
            for rule in (rules[0], rules[-1])
        ),
        story=(
            (
                f"{listed(targets)} {'have' if len(targets) > 1 else 'has'} two recipes: make uses that of "
                f"{shown(last.place)} and forgets that of {shown(first.place)}."
            ),
            CAUSE.explanation,
        ),
        fix=Fix(text=CAUSE.fix),
        confidence=Confidence.MEDIUM,
        severity=Severity.RISK,
    )


def _overridden(tree: Tree) -> Iterator[tuple[Rule, ...]]:
    """Recipes of targets that certainly have more than one, and not identical ones."""
    for database in tree.makes:
        for target in database.rules:
            rules = tuple(
                rule
                for rule in database.recipes(target)
                if not rule.is_double_colon and not rule.is_maybe and not target.startswith(".")
            )
            if len({rule.recipe for rule in rules}) > 1:
                yield rules


CAUSE: Cause = described(__name__, _diagnose)
