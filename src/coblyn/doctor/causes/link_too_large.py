"""A link that outgrows what its addresses can reach."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "link-too-large",
    "What is linked is too large",
    sign(
        r"relocation truncated to fit: (?P<kind>R_\w+|IMAGE_\w+)",
        "An address ({kind}) is out of reach.",
    ),
    sign(
        r"error: relocation (?P<kind>R_\w+) out of range",
        "An address ({kind}) is out of reach.",
    ),
    sign(
        r"(?:too many sections \(\d+\)|string table overflow at offset|\.o: file too big)",
        "An object has more sections than its format can count.",
        text="Compile with -Wa,-mbig-obj (MinGW).",
    ),
    sign(
        r"fatal error C1128: number of sections exceeded object file format limit",
        "An object has more sections than its format can count.",
        text="Compile with /bigobj.",
    ),
    looks_like="relocation truncated to fit: R_X86_64_PC32 against `.nv_fatbin'",
    explanation="Code for many generations of GPUs, or static CUDA libraries, make a program larger than 2 GB, which "
    "the usual addresses of x86-64 do not reach.",
    fix="Build for the GPU that you have only (-DCMAKE_CUDA_ARCHITECTURES=86), or link CUDA's shared libraries.",
    links=("https://github.com/ggml-org/llama.cpp/issues/1077",),
    explains=("undefined-symbol",),
)
