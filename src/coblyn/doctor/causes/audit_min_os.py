"""Binaries that ask for a newer system than there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._audit import agree, audited, names_of, seen_each
from coblyn.doctor.finding import Confidence, Severity

if TYPE_CHECKING:
    from coblyn.doctor.finding import Finding
    from coblyn.native.audit.report import AuditReport

__all__ = ["CAUSE"]


def find(report: AuditReport) -> Finding | None:
    """Say what asks for a newer system."""
    shown = [*report.too_new, *report.newer_objects]
    if not shown:
        return None
    first = shown[0]
    askers = [each.binary for each in shown]
    is_sure = any(each.is_fatal for each in report.too_new)
    has = (
        f"this machine has {first.has}" if report.too_new else f"other objects are for {first.has}"
    )
    return CAUSE.finding(
        *seen_each((each.binary, f"asks for {each.wants}") for each in shown),
        story=(
            f"{names_of(askers)} {agree(askers, 'asks', 'ask')} for {first.wants}, but {has}.",
            CAUSE.explanation,
        ),
        confidence=Confidence.HIGH if is_sure else Confidence.MEDIUM,
        severity=_severity(is_sure=is_sure, is_ours=bool(report.too_new)),
    )


def _severity(*, is_sure: bool, is_ours: bool) -> Severity:
    if is_sure:
        return Severity.FAILURE
    return Severity.RISK if is_ours else Severity.NOTE


CAUSE = Cause(
    id="audit-min-os",
    title="Made for a newer system",
    looks_like="version `GLIBC_2.38' not found; Symbol not found ... built for macOS 14.0 which is newer than "
    "running OS; object file was built for newer macOS version than being linked.",
    needs="The lowest system in a file's header or symbol versions, and this machine's.",
    explanation="It was compiled on, or for, a newer system than the one that it is to run on, and calls what older "
    "ones do not have.",
    fix="Build it on this machine, or for an older system: CMAKE_OSX_DEPLOYMENT_TARGET and MACOSX_DEPLOYMENT_TARGET "
    "on macOS, an older distribution (manylinux) on Linux.",
    links=(
        "https://github.com/ggml-org/llama.cpp/issues/11612",
        "https://github.com/ggml-org/llama.cpp/issues/26375",
    ),
    diagnose=audited(find),
)
