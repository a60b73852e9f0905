"""NEON code that mixes types of vectors, which GCC refuses and clang lets pass."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "vector-types-mixed",
    "The source mixes types of vectors, which GCC on ARM refuses",
    sign(
        r"note: use '-flax-vector-conversions' to permit conversions between vectors",
        "A vector of one type is used as one of another.",
        also=r"error: ",
        command="make CFLAGS=-flax-vector-conversions CXXFLAGS=-flax-vector-conversions",
    ),
    sign(
        r"error: incompatible types? when (?:initializing|assigning to) type '(?P<want>u?int\d+x\d+_t"
        r"|float\d+x\d+_t)' (?:using|from) type '(?P<have>u?int\d+x\d+_t|float\d+x\d+_t)'",
        "A vector of type {have} is used as {want}.",
        command="make CFLAGS=-flax-vector-conversions CXXFLAGS=-flax-vector-conversions",
    ),
    looks_like="note: use '-flax-vector-conversions' to permit conversions between vectors with differing "
    "element types",
    explanation="It is a slip in the source of this release: clang converts between vectors of one size by itself, GCC "
    "does not.",
    fix="Update the project, or build with -flax-vector-conversions, or with clang.",
    links=("https://github.com/ggml-org/llama.cpp/issues/1783",),
)
