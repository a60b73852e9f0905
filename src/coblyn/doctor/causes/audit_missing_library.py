"""Libraries that are asked for and are nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._audit import agree, listed, names_of, no_binaries, seen_each
from coblyn.doctor.finding import Confidence, Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coblyn.doctor.finding import Finding
    from coblyn.native.audit.needed import Missing

__all__ = ["CAUSE", "find"]

# `Supplier.DRIVER`, as a word: this package knows the audit's values by type only.
_DRIVER = "driver"


def find(missing: Sequence[Missing], *, is_bundle: bool) -> Finding | None:
    """Say what is missing, and who would bring it.

    Args:
        missing: What is asked for and not there.
        is_bundle: Whether they were built to run here.
    """
    sure = [each for each in missing if each.is_sure and each.supplier != _DRIVER]
    shown = sure or list(missing)
    if not shown:
        return None
    names = listed([each.library for each in shown])
    askers = [each.binary for each in shown]
    drivers = not sure and all(each.supplier == _DRIVER for each in shown)
    return CAUSE.finding(
        *seen_each((each.binary, f"needs {each.library}") for each in shown),
        story=(
            (
                f"{names_of(askers)} {agree(askers, 'needs', 'need')} {names}, "
                f"{'which is not here' if sure else 'not among the given files'}."
            ),
            "It comes with the GPU's driver or toolkit, and has to be there on the machine that uses it."
            if drivers
            else CAUSE.explanation,
        ),
        confidence=_confidence(is_sure=bool(sure), is_bundle=is_bundle),
        severity=Severity.FAILURE if sure else Severity.NOTE,
    )


def _confidence(*, is_sure: bool, is_bundle: bool) -> Confidence:
    if is_sure and is_bundle:
        return Confidence.HIGH
    return Confidence.MEDIUM if is_sure else Confidence.LOW


CAUSE = Cause(
    id="audit-missing-library",
    title="A needed library is missing",
    looks_like="error while loading shared libraries: cannot open shared object file; Library not loaded: "
    "@rpath/...; the code execution cannot proceed because ... was not found.",
    needs="A library that a binary asks for, and that is neither beside it, nor in its run paths, nor on the system.",
    explanation="It was not copied along, has another name, or the package that brings it is not installed.",
    fix="Copy the library beside the one that needs it, or install the package that brings it.",
    links=(
        "https://github.com/ggml-org/llama.cpp/issues/11123",
        "https://github.com/ggml-org/llama.cpp/issues/11267",
    ),
    diagnose=no_binaries,
)
