"""Objects for link-time optimization of another compiler or release."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

_FAILED = r"\*\*\*|ld returned|linker command failed|ninja: build stopped"

CAUSE = log_cause(
    "lto-mismatch",
    "Objects for link-time optimization are of another compiler",
    sign(
        r"bytecode stream in file '(?P<file>[^'\n]{1,300})' generated with (?:LTO|GCC compiler) version "
        r"(?P<have>[\d.]+)",
        "{file} was made by another release of GCC (format {have}).",
    ),
    sign(
        r"(?<![^\s:])(?P<file>[^\s:]{1,300}): plugin needed to handle lto object",
        "{file} is an object for link-time optimization, and the tool that reads it can not.",
        also=_FAILED,
        sure=Confidence.MEDIUM,
        text="Use gcc-ar and gcc-ranlib (llvm-ar with clang) in place of ar and ranlib.",
    ),
    sign(
        r"LLVM gold plugin: [^\n]{0,100}(?:Invalid record|Unknown attribute|Opaque pointers|Invalid bitcode)",
        "An object is of another release of LLVM.",
    ),
    sign(
        r"(?:Unknown attribute kind|Invalid (?:record|bitcode signature|value))[^\n]{0,80}\(Producer: "
        r"'(?P<have>[^'\n]{1,60})'",
        "An object is of another release of LLVM ({have}).",
    ),
    looks_like="lto1: fatal error: bytecode stream in file 'x.o' generated with LTO version 11.3 instead of 12.0",
    explanation="With -flto objects hold the compiler's own inner code, which only the same release can read.",
    fix="Clear what was built and compile everything with one compiler, or without -flto (-DGGML_LTO=OFF).",
    links=(
        "https://github.com/rr-debugger/rr/issues/2884",
        "https://github.com/Komet/MediaElch/issues/1916",
    ),
    explains=("undefined-symbol",),
)
