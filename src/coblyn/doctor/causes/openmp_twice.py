"""Two OpenMP runtimes in one process."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "openmp-twice",
    "Two OpenMP runtimes were loaded into one process",
    sign(
        r"OMP: Error #15: Initializing (?P<one>\S{1,80}), but found (?P<other>\S{1,80}) already "
        r"initialized",
        "{one} was loaded after {other}.",
        command="export KMP_DUPLICATE_LIB_OK=TRUE",
    ),
    sign(r"OMP: Error #15", command="export KMP_DUPLICATE_LIB_OK=TRUE"),
    looks_like="OMP: Error #15: Initializing libomp.dylib, but found libiomp5.dylib already "
    "initialized.",
    explanation="PyTorch, numpy with MKL and llama.cpp can each bring an OpenMP runtime of their "
    "own; two of them would compete for the threads.",
    fix="Take all from one source (one conda channel, or all from pip), or build llama.cpp with -DGGML_OPENMP=OFF; "
    "the variable KMP_DUPLICATE_LIB_OK silences the check.",
    links=(
        "https://github.com/JamePeng/llama-cpp-python/issues/163",
        "https://github.com/neuml/codequestion/issues/31",
    ),
)
