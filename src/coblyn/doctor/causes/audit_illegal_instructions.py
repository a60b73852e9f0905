"""Code with instructions that this CPU does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._audit import agree, audited, listed, names_of, seen_each
from coblyn.doctor.finding import Confidence, Severity

if TYPE_CHECKING:
    from coblyn.doctor.finding import Finding
    from coblyn.native.audit.report import AuditReport

__all__ = ["CAUSE"]

_GUARDED = "The code can ask the CPU first, or is one of several variants to choose from: probably all right."


def find(report: AuditReport) -> Finding | None:
    """Say which files use what; a note if the code may choose at run time."""
    bare = [each for each in report.foreign if not each.is_guarded]
    shown = bare or report.foreign
    if not shown:
        return None
    users = [each.binary for each in shown]
    sets = listed([name for each in shown for name in each.sets], 4)
    return CAUSE.finding(
        *seen_each((each.binary, f"{each.count} instructions of {each.sets[0]}") for each in shown),
        story=(
            f"{names_of(users)} {agree(users, 'has', 'have')} instructions of {sets}, not in this CPU.",
            CAUSE.explanation if bare else _GUARDED,
        ),
        confidence=Confidence.HIGH if any(each.is_fatal for each in bare) else Confidence.MEDIUM,
        severity=Severity.FAILURE if bare else Severity.NOTE,
    )


CAUSE = Cause(
    id="audit-illegal-instructions",
    title="Code for a newer CPU than this one",
    looks_like="Illegal instruction (core dumped); 0xC000001D; the program ends at once when a model is loaded.",
    needs="Instructions of a set that this CPU lacks, in a library that does not ask the CPU what it can do.",
    explanation="It was compiled for the CPU of the machine that built it (-march=native, GGML_NATIVE), or for one "
    "that was named, and this CPU is another one. It ends when such an instruction is reached.",
    fix="Build it on this machine, or for any CPU: coblyn build --portable, or with CMake -DGGML_NATIVE=OFF "
    "-DGGML_CPU_ALL_VARIANTS=ON -DGGML_BACKEND_DL=ON.",
    links=(
        "https://github.com/ggml-org/llama.cpp/issues/8734",
        "https://github.com/atopile/atopile/issues/1838",
        "https://github.com/ggml-org/whisper.cpp/issues/83",
    ),
    diagnose=audited(find),
)
