"""A wildcard include that matches a copy of a makefile, or two makefiles that define the same targets."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._table import described
from coblyn.doctor.causes.make._rivals import is_backup, rival_finding
from coblyn.doctor.tree.make.rivals import rivals

if TYPE_CHECKING:
    from coblyn.doctor.cause import Case
    from coblyn.doctor.finding import Finding
    from coblyn.doctor.tree.make.rivals import Rival
    from coblyn.doctor.tree.tree import Tree

__all__ = ["CAUSE"]


def _diagnose(case: Case) -> Finding | None:
    tree = case.tree
    if tree is None:
        return None
    caught = [each for each in rivals(tree) if each.include.is_wildcard]
    for each in sorted(caught, key=lambda rival: _suspicion(tree, rival), reverse=True):
        if found := rival_finding(CAUSE, tree, each):
            is_sure = each.other == each.database.makefile or any(_suspicion(tree, each)[:2])
            return found if is_sure else _without_guess(found)
    return None


def _suspicion(tree: Tree, rival: Rival) -> tuple[bool, bool, int]:
    """Score for this file, rather than the other, being the superfluous one."""
    own, other = tree.git.says(rival.path), tree.git.says(rival.other)
    entry = tree.files.entry(rival.path)
    return (
        is_backup(rival.path) and not is_backup(rival.other),
        own in ("untracked", "ignored") and other == "tracked",
        -entry.mtime if entry else 0,
    )


def _without_guess(found: Finding) -> Finding:
    """Age alone does not tell which of two files is superfluous: the user must decide."""
    return replace(found, fix=replace(found.fix, steps=()))


CAUSE: Cause = described(__name__, _diagnose)
