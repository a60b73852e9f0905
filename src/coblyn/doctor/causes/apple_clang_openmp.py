"""OpenMP, which Apple's clang has no driver option for."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "apple-clang-openmp",
    "Apple's clang takes OpenMP only with Homebrew's libomp",
    sign(
        r"clang(?:\+\+)?: error: unsupported option '-fopenmp'",
        command="brew install libomp",
    ),
    looks_like="clang: error: unsupported option '-fopenmp'",
    explanation="Apple's clang can compile OpenMP, but brings neither the library nor the option "
    "-fopenmp.",
    fix="Install libomp and pass -Xpreprocessor -fopenmp -I$(brew --prefix libomp)/include -L$(brew --prefix "
    "libomp)/lib -lomp in place of -fopenmp; ggml needs no OpenMP on a Mac (-DGGML_OPENMP=OFF).",
    links=("https://github.com/kevinlin311tw/ObjLeft/issues/2",),
)
