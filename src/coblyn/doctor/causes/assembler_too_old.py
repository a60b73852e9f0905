"""A compiler that writes instructions which the assembler does not know."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "assembler-too-old",
    "The assembler is older than the compiler",
    sign(
        r"^[^\n]{0,300}\.s:\d+: [Ee]rror: (?:no such instruction: `|unsupported instruction `|unknown mnemonic `"
        r"|selected processor does not support `|bad instruction `)(?P<name>[^'\n]{1,80})'",
        "The compiler wrote the instruction {name}, and the assembler does not know it.",
    ),
    sign(
        r"\{standard input\}:\d+: [Ee]rror: (?:no such instruction: `|unsupported instruction "
        r"`)(?P<name>[^'\n]{1,80})'",
        "The compiler wrote the instruction {name}, and the assembler does not know it.",
    ),
    looks_like="ccX.s:26007: Error: unsupported instruction `vpdpbusd'",
    explanation="GCC writes assembler text, and binutils turns it into an object. With -march=native a newer GCC "
    "uses what the processor has, also where the assembler is too old for it: a GCC of its own (conda, devtoolset, "
    "/usr/local) with the system's binutils.",
    fix="Update binutils, or take the GCC that belongs to it; or build without those instructions: "
    "-DGGML_NATIVE=OFF, or -mno-avxvnni -mno-avx512... in CFLAGS.",
    links=("https://github.com/ggml-org/llama.cpp/issues/5316",),
    explains=("pip-build-failed",),
)
