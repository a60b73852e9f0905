"""A build directory that CMake did not finish."""

from __future__ import annotations

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._cmake import unfinished

CAUSE: Cause = Cause(
    id="cmake-unfinished",
    title="Configuring ended with an error",
    looks_like="CMake says Configuring incomplete, errors occurred!, and there is nothing to build.",
    needs="A CMakeCache.txt without build.ninja, Makefile or solution beside it.",
    explanation="The cache keeps what was found and what was not, so that the next run repeats the error even after "
    "what was missing is there.",
    fix="Run it again and read its first error, or hand its output to coblyn doctor; after installing what was "
    "missing, use cmake --fresh.",
    links=("https://github.com/ggml-org/llama.cpp/issues/11498",),
    diagnose=lambda case: unfinished(CAUSE, case),
)
