"""A processor that the compiler does not know by name."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign
from coblyn.doctor.finding import Confidence

CAUSE = log_cause(
    "cpu-flag-unknown",
    "The compiler does not know the processor that the flags name",
    sign(
        r"error: (?:bad value|unknown value) \(?'(?P<value>(?!native)[^'\n]{1,60})'\)? for "
        r"'?-m(?P<flag>arch|cpu|tune)=?'?",
        "The compiler does not know {value} in -m{flag}.",
    ),
    sign(
        r"error: the clang compiler does not support '-m(?P<flag>arch|cpu|"
        r"tune)=(?P<value>(?!native)[^'\n]{1,60})'",
        "This clang does not take -m{flag}={value}.",
    ),
    sign(
        r"error: unsupported argument '(?P<value>(?!native)[^'\n]{1,60})' to option "
        r"'-?m(?P<flag>arch|cpu|tune)='",
        "The compiler does not know {value} in -m{flag}.",
    ),
    sign(
        r"error: unknown target CPU '(?P<value>(?!native)[^'\n]{1,60})'",
        "The compiler does not know the processor {value}.",
    ),
    sign(
        r"error: invalid feature modifier '?(?P<value>(?!native)[^'\n]{1,60})'? in '-m(?P<flag>arch|cpu)=",
        "The compiler does not know the feature {value} in -m{flag}.",
    ),
    sign(
        r"error: unrecognized (?:command[- ]line )?option '-m(?P<value>(?:avx|amx|f16c|fma|sse|"
        r"bmi|sve|fpu|vx|"
        r"neon|cpu|arch|loongarch|lasx|lsx)[\w.=+-]{0,40})'",
        "The compiler does not know -m{value}: it is too old for that, or for another kind of "
        "processor.",
    ),
    sign(
        r"error: unknown argument: '-m(?P<value>(?:avx|amx|f16c|fma|sse|bmi|sve|fpu|vx|cpu|"
        r"arch)[\w.=+-]{0,40})'",
        "The compiler does not know -m{value}.",
        sure=Confidence.MEDIUM,
    ),
    looks_like="error: bad value ('armv8.7-a') for '-march='; the clang compiler does not "
    "support '-march=native'",
    explanation="The names of processors and of their features come with the compiler: an older one does not know "
    "newer ones, clang knows -march=native on ARM only since release 16, and the flags of one architecture mean "
    "nothing on another.",
    fix="Use a newer compiler (CC and CXX), or name what it knows: ggml with -DGGML_NATIVE=OFF, KoboldCPP with "
    "LLAMA_PORTABLE=1; configure in a fresh build directory.",
    links=("https://github.com/screenpipe/screenpipe/issues/1836",),
    explains=(
        "pip-build-failed",
        "compiler-too-old",
    ),
)
