"""Facts about a checkout, used by several causes."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from coblyn.doctor.causes._tree import listed, shown
from coblyn.doctor.finding import Confidence, Evidence, Finding, Fix, Severity

if TYPE_CHECKING:
    from coblyn.doctor.cause import Case, Cause
    from coblyn.doctor.tree.tree import Tree

__all__ = ["no_submodule", "script_of_windows"]

_SHOWN = 4


def no_submodule(cause: Cause, case: Case) -> Finding | None:
    """Submodules whose directories are empty; required if a build file names one."""
    tree = case.tree
    if tree is None or not tree.empty_submodules:
        return None
    needed = [name for name in tree.empty_submodules if name in tree.named_submodules]
    return cause.finding(
        *(
            Evidence(".gitmodules", 0, f"{shown(name)} is empty")
            for name in tree.empty_submodules[:_SHOWN]
        ),
        story=(
            (
                f"{listed(tree.empty_submodules)} {'are' if len(tree.empty_submodules) > 1 else 'is'} empty: the "
                "source was cloned or downloaded without submodules."
            ),
            cause.explanation,
        ),
        fix=Fix(command="git submodule update --init --recursive", text=cause.fix),
        confidence=Confidence.HIGH if needed else Confidence.MEDIUM,
        severity=Severity.FAILURE if needed else Severity.NOTE,
    )


def script_of_windows(cause: Cause, case: Case) -> Finding | None:
    """Scripts with Windows line endings, on a system that does not accept them."""
    tree = case.tree
    if (
        tree is None
        or not tree.windows_scripts
        or (case.machine and case.machine["os"] == "windows")
    ):
        return None
    used = [name for name in tree.windows_scripts if _is_used(tree, name)]
    names = used or list(tree.windows_scripts)
    return cause.finding(
        *(
            Evidence(shown(name), 1, "the first line ends in a carriage return")
            for name in names[:_SHOWN]
        ),
        story=(
            (
                f"{listed(names)} {'have' if len(names) > 1 else 'has'} the line ends of Windows, so the system "
                "looks for an interpreter whose name ends in a carriage return."
            ),
            cause.explanation,
        ),
        fix=Fix(
            command=f"sed -i.bak 's/\\r$//' {' '.join(shlex.quote(shown(name)) for name in names[:20])}",
            text=cause.fix,
        ),
        confidence=Confidence.HIGH if used else Confidence.LOW,
        severity=Severity.FAILURE if used else Severity.NOTE,
    )


def _is_used(tree: Tree, name: str) -> bool:
    return any(
        name in line
        for database in tree.makes
        for lines in database.commands.values()
        for line in lines
    )
