"""A variable that names a compiler, SDK or toolkit that does not exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._environment import setting
from coblyn.doctor.causes._table import described
from coblyn.doctor.causes._tree import listed
from coblyn.doctor.finding import Fix, Severity

if TYPE_CHECKING:
    from coblyn.doctor.cause import Case
    from coblyn.doctor.finding import Finding

__all__ = ["CAUSE"]


def _diagnose(case: Case) -> Finding | None:
    names = case.tree.missing if case.tree else ()
    if not names:
        return None
    return CAUSE.finding(
        *(setting(case, name) for name in names),
        story=(
            f"{listed(names)} {'name' if len(names) > 1 else 'names'} something that is not there.",
            CAUSE.explanation,
        ),
        fix=Fix(command=f"unset {' '.join(names)}", text=CAUSE.fix),
        severity=Severity.RISK,
    )


CAUSE: Cause = described(__name__, _diagnose)
