"""Half-precision intrinsics on 32-bit ARM."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "arm32-neon",
    "32-bit ARM lacks the vector instructions that the source uses",
    sign(
        r"(?:undeclared identifier|undeclared function|implicit declaration of function|was not "
        r"declared|undefined)[^\n]{0,40}'(?P<name>v(?:cvt_f\d+_f\d+|ld1q_\w+|fmaq_f\d+|"
        r"addvq_\w+|maxvq_\w+|mulq_f16|dotq_\w+|qtbl\w+))'",
        "{name} is not there.",
        also=r"armv7|armeabi|-mfpu=|arm-linux-gnueabi|armv6|armv8l",
    ),
    sign(
        r"error: '(?P<name>vcvt_f\d+_f\d+|vld1q_\w+|vfmaq_f\d+|vaddvq_\w+|vmaxvq_\w+)' was not declared",
        "{name} is not there.",
        also=r"armv7|armeabi|-mfpu=|arm-linux-gnueabi|armv6|armv8l",
    ),
    sign(
        r"implicit declaration of function '(?P<name>v(?:zip|uzp|trn)[12]q?_[a-z]\d+|v(?:max|min"
        r"|add)l?vq?_[a-z]\d+|vqtbl\w+)'",
        "{name} is an instruction of 64-bit ARM.",
        also=r"(?:armv7|armeabi|-mfpu=|arm-linux-gnueabi|armv6|armv8l)[\s\S]*error:",
    ),
    sign(
        r"error: (?:use of undeclared identifier|call to undeclared function|implicit declaration of function) "
        r"'(?P<name>v(?:add|sub|mul|fma|max|min|neg|div)q?(?:_n)?_f16)'",
        "{name} takes half-precision arithmetic (ARMv8.2), and the processor that is compiled for has none.",
        text="Build for arm64-v8a rather than armeabi-v7a; on a 64-bit system add "
        "-DGGML_CPU_ARM_ARCH=armv8.2-a+fp16 if the processor has it, else -DGGML_LLAMAFILE=OFF.",
        sure=Confidence.MEDIUM,
    ),
    sign(
        r"#error \"NEON intrinsics not available with the soft-float ABI|#error \"?You must enable NEON instructions"
        r"|NEON support not enabled",
        "The compiler was not told that the processor has NEON.",
        text="Add -mfpu=neon-vfpv4 -mfloat-abi=hard (Raspberry Pi 2 and later; softfp where the system is) to the C "
        "and C++ flags; a Raspberry Pi 1 or Zero has no NEON.",
    ),
    looks_like="error: use of undeclared identifier 'vcvt_f16_f32'",
    explanation="A 32-bit system (armv7, or Raspberry Pi OS of 32 bits on a 64-bit processor) has only a part of "
    "NEON, and the compiler must be told of half precision.",
    fix="Use a 64-bit system; else add -mfpu=neon-fp-armv8 -mfp16-format=ieee to the C and C++ "
    "flags, and -DGGML_LLAMAFILE=OFF.",
    links=("https://github.com/ggml-org/llama.cpp/issues/11636",),
)
