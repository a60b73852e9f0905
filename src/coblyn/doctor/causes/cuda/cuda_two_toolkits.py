"""The compiler of one CUDA toolkit with the libraries of another."""

from __future__ import annotations

from coblyn.doctor.cause import Case, Cause
from coblyn.doctor.causes._sign import pattern_of
from coblyn.doctor.causes._table import described
from coblyn.doctor.finding import Confidence, Finding, Fix

_TOOLKIT = pattern_of(
    r"Found CUDAToolkit: (?P<path>[^\n]{1,300}?) \((?:found )?(?:suitable )?(?:version "
    r'"?)(?P<version>\d+\.\d+)'
)
_COMPILER = pattern_of(r"The CUDA compiler identification is NVIDIA (?P<version>\d+\.\d+)")
_FOREIGN_OPTION = pattern_of(
    r"(?:gcc|g\+\+|cc|c\+\+)\S{0,10}: error: unrecognized command[- ]line option "
    r"'-{1,2}(?P<option>compress-mode[^'\n]{0,20}|"
    r"generate-dependencies\S{0,20}|gencode\S{0,40}|diag-suppress\S{0,20})'"
)


def _diagnose(case: Case) -> Finding | None:
    log = case.log
    if log is None or ("CUDA" not in log.text and "compress-mode" not in log.text):
        return None
    toolkit, compiler = log.find(_TOOLKIT), log.find(_COMPILER)
    foreign = log.find(_FOREIGN_OPTION)
    differ = toolkit and compiler and toolkit["version"] != compiler["version"]
    if not (foreign or (differ and log.failed)):
        return None
    story = []
    if toolkit and compiler and differ:
        story.append(
            f"CMake found the libraries of CUDA {toolkit['version']} and the compiler of CUDA {compiler['version']}."
        )
    if foreign:
        story.append(f"nvcc handed “-{foreign['option']}”, an option of a newer nvcc, on to gcc.")
    seen = [hit.evidence(log.name) for hit in (foreign, compiler, toolkit) if hit]
    return CAUSE.finding(
        *seen,
        story=(*story, CAUSE.explanation),
        fix=Fix(command="export CUDACXX=/usr/local/cuda/bin/nvcc", text=CAUSE.fix),
        confidence=Confidence.HIGH if foreign else Confidence.LOW,
    )


CAUSE: Cause = described(__name__, _diagnose)
