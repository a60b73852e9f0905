"""A process that dies in AMX code, which some compilers miscompile and which Linux must permit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._table import described
from coblyn.doctor.causes.run._death import ILLEGAL, death
from coblyn.doctor.finding import Confidence, Fix
from coblyn.native.known_bad import KnownBad, known_bad

if TYPE_CHECKING:
    from coblyn.doctor.cause import Case
    from coblyn.doctor.finding import Finding

__all__ = ["CAUSE"]

_GCC = re.compile(
    r"(?:identification is GNU |\bgcc(?:-\d+)? (?:\(|version )?|\bg\+\+ "
    r"|\bcc \()(?:[^)\n]{0,60}\) )?(?P<version>\d+\.\d+(?:\.\d+)?)"
)
_WITHOUT = (
    "cmake --fresh -B build -DGGML_NATIVE=OFF -DGGML_AVX512=ON -DGGML_AVX512_VNNI=ON -DGGML_AMX_TILE=OFF "
    "-DGGML_AMX_INT8=OFF "
    "-DGGML_AMX_BF16=OFF && cmake --build build"
)


def _diagnose(case: Case) -> Finding | None:
    arch = case.machine["arch"] if case.machine else ""
    found = death(case.log, arch) if case.log else None
    if found is None or case.log is None or found.kind != ILLEGAL or not found.is_amx:
        return None
    compiler = _compiler(case)
    fault = next((each for each in known_bad("gcc", compiler) if each.group == "amx"), None)
    features = case.machine.words("cpu.features") if case.machine else ()
    is_missing = bool(features) and "amx_tile" not in features
    at = f" at `{found.instruction}`" if found.instruction else ""
    where = f" in {found.library}" if found.library else ""
    return CAUSE.finding(
        found.hit.evidence(case.log.name),
        story=(
            f"The process was ended by an illegal instruction{where}{at}, in code for AMX.",
            _why(fault, compiler, is_missing=is_missing),
        ),
        fix=Fix(
            command="coblyn build --force" if found.is_ours else _WITHOUT,
            text="Build without AMX, or with a newer compiler (GCC 12.4, 13.3, 14.1 or later; Clang).",
        ),
        confidence=Confidence.HIGH if fault and not is_missing else Confidence.MEDIUM,
    )


def _compiler(case: Case) -> str:
    """GCC's version: from the log, or else this machine's; empty if neither is known."""
    named = case.log.find(_GCC) if case.log else None
    if named:
        return named["version"]
    family, _, version = (case.machine["cxx.version"] if case.machine else "").partition(" ")
    return version if family == "gcc" else ""


def _why(fault: KnownBad | None, compiler: str, *, is_missing: bool) -> str:
    if is_missing:
        return "This processor does not have AMX, or a virtual machine hides it."
    if fault:
        return (
            f"GCC {compiler} {fault.reason} ({fault.source}): the tiles are not configured, and the first instruction "
            "that uses one is illegal."
        )
    return (
        "GCC from 11 to 11.4, 12 to 12.3 and 13 to 13.2 drops the stores that fill the tile configuration, so "
        "that the first "
        "instruction that uses a tile is illegal. Without that fault, Linux has not given the thread its permission "
        "(arch_prctl), or the processor has no AMX."
    )


CAUSE: Cause = described(__name__, _diagnose)
