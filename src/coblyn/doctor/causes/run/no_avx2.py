"""An x86-64 processor without AVX2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._table import described
from coblyn.doctor.finding import Confidence, Evidence, Severity

if TYPE_CHECKING:
    from coblyn.doctor.cause import Case
    from coblyn.doctor.finding import Finding

__all__ = ["CAUSE"]


def _diagnose(case: Case) -> Finding | None:
    facts = case.machine
    if facts is None or case.tree is None or facts["arch"] != "x86-64":
        return None
    features = facts.words("cpu.features")
    if not features or "avx2" in features:
        return None
    forced = [
        cache
        for cache in case.tree.caches
        if cache.is_on("GGML_AVX2") and not cache.is_on("GGML_NATIVE")
    ]
    return CAUSE.finding(
        Evidence("this machine", 0, f"{facts['cpu']} has no AVX2"),
        *(Evidence(cache.name, cache.line("GGML_AVX2"), "GGML_AVX2 is on") for cache in forced[:1]),
        confidence=Confidence.HIGH if forced else Confidence.LOW,
        severity=Severity.RISK if forced else Severity.NOTE,
    )


CAUSE: Cause = described(__name__, _diagnose)
