"""Too many parallel compilations for the free memory."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._cmake import asks_for
from coblyn.doctor.causes._table import described
from coblyn.doctor.finding import Confidence, Evidence, Fix, Severity

if TYPE_CHECKING:
    from coblyn.doctor.cause import Case
    from coblyn.doctor.finding import Finding

__all__ = ["CAUSE"]

_GIB = 2**30
# Peak memory of one compilation in llama.cpp: its own C++ sources, and the largest CUDA templates.
_CXX_BYTES = _GIB // 2
_CUDA_BYTES = 3 * _GIB // 2


def _diagnose(case: Case) -> Finding | None:
    facts = case.machine
    if facts is None or case.tree is None or not facts.number("memory"):
        return None
    jobs, source = _jobs(case)
    each = _CUDA_BYTES if asks_for(case, "CUDA", "CUBLAS", "HIP", "HIPBLAS") else _CXX_BYTES
    free = facts.number("memory")
    if jobs < 2 or free >= jobs * each:
        return None
    fewer = max(1, free // each)
    return CAUSE.finding(
        Evidence("this machine", 0, f"{free / _GIB:.1f} GiB of memory are free"),
        Evidence(source, 0, f"{jobs} jobs at once"),
        fix=Fix(command=f"export CMAKE_BUILD_PARALLEL_LEVEL={fewer}", text=CAUSE.fix),
        confidence=Confidence.LOW,
        # Not that many have been started yet, unless the environment sets the number.
        severity=Severity.RISK if source == "environment" else Severity.NOTE,
    )


def _jobs(case: Case) -> tuple[int, str]:
    level = case.environ.get("CMAKE_BUILD_PARALLEL_LEVEL", "")
    if level.isdecimal():
        return int(level), "environment"
    if found := re.search(r"(?:^|\s)-j\s*(\d{1,4})\b", case.environ.get("MAKEFLAGS", "")):
        return int(found[1]), "environment"
    assert case.machine is not None, "asked for after it was found"
    return case.machine.number("threads"), "this machine"


CAUSE: Cause = described(__name__, _diagnose)
