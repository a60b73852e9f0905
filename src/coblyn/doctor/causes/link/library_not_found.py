"""A library that the link names but the linker does not find."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._libraries import package_of
from coblyn.doctor.causes._package import install
from coblyn.doctor.causes._system import system_of
from coblyn.doctor.causes._table import described
from coblyn.doctor.finding import Finding, Fix

if TYPE_CHECKING:
    from coblyn.doctor.cause import Case

__all__ = ["CAUSE"]

_EVIDENCE = 4
_MISSING = re.compile(
    r"ld(?:\.\w+)?(?:\.exe)?: cannot find -l(?P<gnu>[\w.+:-]+)"
    r"|ld: library (?:not found for -l|')(?P<apple>[\w.+-]+)(?:' not found)?"
    r"|ld: framework (?:not found |')(?P<framework>\w+)(?:' not found)?"
    r"|error: unable to find library -l(?P<lld>[\w.+-]+)"
    r"|library not found: (?P<mold>[\w.+-]+)"
    r"|error: library not found for -l(?P<macho>[\w.+-]+)"
)


def _diagnose(case: Case) -> Finding | None:
    log = case.log
    if not log or not ("find" in log or "found" in log):
        return None
    hits = list(log.hits(_MISSING, limit=50))
    if not hits:
        return None
    name = next(group for group in hits[0].match.groups() if group)
    system = system_of(case)
    command, ways = install(package_of(name), system)
    return CAUSE.finding(
        *(hit.evidence(log.name) for hit in hits[:_EVIDENCE]),
        story=(
            f"The link names {name}, but there is no such library where the linker looks.",
            CAUSE.explanation,
        ),
        fix=Fix(command=command, text=f"{ways} {CAUSE.fix}".strip()),
    )


CAUSE: Cause = described(__name__, _diagnose)
