"""Instructions that a source uses and the compiler was not allowed to emit."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

_CLEAN = (
    "cmake --fresh -B build -DGGML_NATIVE=OFF -DGGML_AVX=OFF -DGGML_AVX2=OFF -DGGML_FMA=OFF "
    "-DGGML_F16C=OFF -DGGML_BMI2=OFF"
)

CAUSE = log_cause(
    "cpu-feature-missing",
    "The source uses instructions that the compiler's flags do not allow",
    sign(
        r"error: inlining failed in call to '?always_inline'? '(?P<name>[^'\n]{1,200})': target specific option "
        r"mismatch",
        "{name} is an instruction that the flags of this file do not allow.",
        also=r"_mm\d*_|f16cintrin|fmaintrin|avx\w*intrin|immintrin",
        command=_CLEAN,
    ),
    sign(
        r"error: inlining failed in call to '?always_inline'? '(?P<name>[^'\n]{1,200})': target specific option "
        r"mismatch",
        "{name} is an instruction that the flags of this file do not allow.",
    ),
    sign(
        r"error: always_inline function '(?P<name>[^'\n]{1,100})' requires target feature "
        r"'(?P<feature>[^'\n]{1,60})',? but would be inlined into function '[^'\n]{1,200}' that is compiled without "
        r"support for",
        "{name} needs the processor feature {feature}, which the flags of this file do not allow.",
    ),
    sign(
        r"error: '(?P<name>\w{1,100})' needs target feature (?P<feature>[\w.,+|-]{1,60})",
        "{name} needs the processor feature {feature}, which the flags of this file do not allow.",
    ),
    sign(
        r"error: (?:\w+ )?vector return without (?P<feature>[\w.]{1,20}) enabled",
        "A function returns a vector of {feature}, which the flags of this file do not allow.",
    ),
    looks_like="inlining failed in call to 'always_inline' '_mm256_cvtph_ps': target specific option mismatch; "
    "always_inline function 'vmmlaq_s32' requires target feature 'i8mm'",
    explanation="An instruction may be used only where the flags (-march, -mcpu, -mf16c ...) allow it. The source "
    "found some features of the processor and not others: in a virtual machine that hides a part of them, with a "
    "wrong CMAKE_SYSTEM_PROCESSOR, in a container of another architecture, or by a fault of the project's detection.",
    fix="Say what the processor has (x86: -march=native, or -mavx2 -mfma -mf16c together; ARM: "
    "-march=armv8.2-a+dotprod+i8mm), or switch the features off (-DGGML_NATIVE=OFF and the GGML_AVX... options), in "
    "a fresh build directory.",
    links=(
        "https://github.com/ggml-org/llama.cpp/issues/4145",
        "https://github.com/ggml-org/llama.cpp/issues/12164",
        "https://github.com/ggml-org/llama.cpp/issues/1655",
        "https://github.com/ggml-org/ggml/issues/1343",
        "https://github.com/abetlen/llama-cpp-python/issues/299",
    ),
    explains=("pip-build-failed",),
)
