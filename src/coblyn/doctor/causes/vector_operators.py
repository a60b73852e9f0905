"""Vectors that are added and compared with operators, which Microsoft's compiler does not allow."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

_TYPE = r"(?P<type>__m(?:64|128|256|512)[id]?h?|u?int\d+x\d+_t|float(?:16|32|64)x\d_t)"
_CLANG = "cmake --fresh -B build -T ClangCL && cmake --build build --config Release"
_STORY = "The source writes {type} with operators (a ^ b, a + b), which GCC and Clang allow and MSVC does not."

CAUSE = log_cause(
    "vector-operators",
    "The source uses an extension of GCC and Clang that MSVC does not have",
    sign(
        rf"error:? C(?:2676|2678|2677|2675): [^\n]{{0,60}}?['\"“`]{_TYPE}['\"”]",
        _STORY,
        command=_CLANG,
    ),
    sign(
        r"error C2088: [^\n]{0,40}: (?:illegal for union|built-in operator '[^']+' cannot be applied to an operand of "
        rf"type '{_TYPE}')",
        "The source writes vectors with operators (a ^ b, a + b), which GCC and Clang allow and MSVC does not.",
        command=_CLANG,
    ),
    looks_like="error C2676: binary '^': '__m256i' does not define this operator",
    explanation="In GCC and Clang a vector is a number that operators work on; in MSVC it is a union, for which only "
    "intrinsics (_mm256_xor_si256) work. The source was written for the former.",
    fix="Build with clang-cl (a part of Visual Studio: “C++ Clang tools for Windows”) or MinGW, or take a later "
    "version of the source that uses intrinsics there.",
    links=(
        "https://github.com/ikawrakow/ik_llama.cpp/issues/447",
        "https://github.com/PQClean/PQClean/issues/443",
    ),
)
