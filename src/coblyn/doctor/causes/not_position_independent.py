"""Objects that can not go into a shared library."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "not-position-independent",
    "An object that was compiled without -fPIC goes into a shared library",
    sign(
        r"(?P<file>[^\s:]{1,300}?): relocation (?P<kind>R_\w+) against [^\n]{1,300} can ?not be used when making a "
        r"(?:shared object|PIE object)",
        "{file} was compiled for a program, not for a shared library.",
        unless=r"crtbeginT\.o",
    ),
    sign(
        r"error: relocation R_\w+ cannot be used against (?:local )?(?:symbol|section)[^\n]{0,200}recompile with -fPIC",
        "An object was compiled for a program, not for a shared library.",
        unless=r"crtbeginT\.o",
    ),
    sign(
        r"error: relocation R_\w+ against [^\n]{0,200}recompile with -fPIC",
        "An object was compiled for a program, not for a shared library.",
        unless=r"crtbeginT\.o",
    ),
    looks_like="relocation R_X86_64_32 against `.rodata' can not be used when making a shared object; recompile with "
    "-fPIC",
    explanation="A shared library is loaded anywhere in memory, and all its code must be compiled for that (-fPIC). An "
    "object or static library of an earlier build with other options, or one that is not meant for it, is in the "
    "link.",
    fix="Clear what was built, and compile everything with -fPIC (CMake: -DCMAKE_POSITION_INDEPENDENT_CODE=ON); for a "
    "static library of somebody else, take its shared one.",
    links=(
        "https://github.com/ggml-org/llama.cpp/issues/8028",
        "https://github.com/ggml-org/llama.cpp/issues/2921",
        "https://github.com/kaldi-asr/kaldi/issues/1120",
    ),
    explains=("undefined-symbol", "stale-objects"),
)
