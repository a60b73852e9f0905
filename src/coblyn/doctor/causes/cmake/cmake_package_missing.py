"""CMake does not find a library or tool that the project requires."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.doctor.cause import Case, Cause
from coblyn.doctor.causes._package import install, package_called
from coblyn.doctor.causes._sign import pattern_of
from coblyn.doctor.causes._system import system_of
from coblyn.doctor.causes._table import described
from coblyn.doctor.finding import Confidence, Finding, Fix

if TYPE_CHECKING:
    import re

    from coblyn.doctor.log.log import Hit, Log

_REQUIRED = (
    pattern_of(
        r"CMake Error at [^\n]{0,300}\(message\): Could NOT find "
        r"(?P<name>\w+)(?P<rest>[^\n]{0,200})"
    ),
    pattern_of(
        r"CMake Error at [^\n]{0,300}\(find_package\):[\s\S]{0,300}?provided by "
        r"\"(?P<name>[\w+-]+)\"(?P<rest>)"
    ),
    pattern_of(
        r"CMake Error at [^\n]{0,300}\(message\): (?P<name>\w+) not found(?P<rest>[^\n]{0,100})"
    ),
    pattern_of(
        r"CMake Error at [^\n]{0,300}\(message\):[\s\S]{0,300}?No package '(?P<name>[\w.+-]+)' "
        r"found(?P<rest>)"
    ),
)
# Not errors in themselves: they count if CMake stopped, or the log ends, there.
_LIKELY = (
    pattern_of(
        r'Could not find a package configuration file provided by "(?P<name>[\w+-]+)"(?P<rest>)'
    ),
    # llama.cpp looks for it by default, and without it stops a line or two later.
    pattern_of(r"Could NOT find (?P<name>CURL)\b(?P<rest>[^\n]{0,120})"),
    pattern_of(r"No package '(?P<name>[\w.+-]+)' found(?P<rest>)"),
)
_CONFIGURED = pattern_of(r"-- Configuring done|-- Generating done|Build files have been written")

# These have their own, more specific causes.
_ELSEWHERE = {
    "cudatoolkit",
    "cuda",
    "python",
    "python3",
    "pythonlibs",
    "intelsycl",
    "mkl",
    "oneapi",
    "threads",
    "glslc",
}
_WITHOUT = {
    "curl": "If downloads of models by llama.cpp itself are not needed, -DLLAMA_CURL=OFF does "
    "without it.",
    "openmp": "-DGGML_OPENMP=OFF does without it, at some cost in speed.",
    "blas": "-DGGML_BLAS=OFF does without it.",
}


def _diagnose(case: Case) -> Finding | None:
    missing = _missing(case.log) if case.log else None
    if case.log is None or missing is None:
        return None
    hit, sure = missing
    known = package_called(hit["name"])
    command, way = install(known, system_of(case))
    return CAUSE.finding(
        hit.evidence(case.log.name),
        story=(
            f"CMake looks for {hit['name']}, finds it nowhere, and the project does not do without.",
            CAUSE.explanation,
        ),
        fix=Fix(command, " ".join(filter(None, (way, _WITHOUT.get(known, ""), CAUSE.fix)))),
        confidence=sure if known else Confidence.MEDIUM,
    )


def _missing(log: Log) -> tuple[Hit, Confidence] | None:
    """Where the log reports a required package as missing, and the confidence that this stops the build."""
    for pattern in _REQUIRED:
        if hit := _first(log, pattern):
            return hit, Confidence.HIGH
    if log.find(_CONFIGURED):
        return None
    likely = (hit for pattern in _LIKELY if (hit := _first(log, pattern)))
    return next(((hit, Confidence.MEDIUM) for hit in likely), None)


def _first(log: Log, pattern: re.Pattern[str]) -> Hit | None:
    return next(
        (
            hit
            for hit in log.hits(pattern, limit=20)
            if hit["name"].lower() not in _ELSEWHERE and "glslc" not in hit["rest"]
        ),
        None,
    )


CAUSE: Cause = described(__name__, _diagnose)
