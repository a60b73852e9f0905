"""A shared library that is linked as if it were a static program."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "static-and-shared",
    "A shared library is linked with -static",
    sign(
        r"crtbeginT\.o: relocation R_\w+ against [^\n]{1,200} can ?not be used when making a shared object",
        "The link asks for a shared library and for -static at once.",
    ),
    sign(
        r"attempted static link of dynamic object [`'](?P<file>[^'\n]{1,300})'",
        "The link is static, and {file} is a shared library.",
    ),
    looks_like="crtbeginT.o: relocation R_X86_64_32 against hidden symbol `__TMC_END__' can not be used when making a "
    "shared object",
    explanation="-static makes a program that loads nothing; a shared library can not be made with it, nor be linked "
    "into it.",
    fix="Take one of the two away: -DLLAMA_STATIC=OFF (-DGGML_STATIC=OFF, no -static in LDFLAGS), or "
    "-DBUILD_SHARED_LIBS=OFF.",
    links=("https://github.com/ggml-org/llama.cpp/pull/1128",),
    explains=("not-position-independent",),
)
