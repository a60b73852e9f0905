"""A compiler that does not take -mcpu=native with features added."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "arm-native-flags",
    "The compiler does not take “native” for this ARM processor",
    sign(
        r"error: unknown value '(?P<value>native\+?[\w+.-]{0,80})' for '?(?P<option>-m(?:cpu|arch|tune))'?",
        "gcc does not take {option}={value}.",
        command='CMAKE_ARGS="-DGGML_NATIVE=OFF" pip install --no-cache-dir llama-cpp-python',
    ),
    sign(
        r"error: (?:the clang compiler does not support|unsupported argument) "
        r"'?(?P<value>-?m?(?:cpu|arch)?=?native[\w+.-]{0,60})'?",
        "clang does not take {value}.",
        command='CMAKE_ARGS="-DGGML_NATIVE=OFF" pip install --no-cache-dir llama-cpp-python',
    ),
    looks_like="cc1: error: unknown value 'native+nodotprod+noi8mm+nosve' for '-mcpu'",
    explanation="ggml asks for the processor of this machine and adds what it found by trying. In an emulated "
    "container (docker buildx for arm64), and with a gcc that does not know the processor, “native” means nothing.",
    fix="Build without: -DGGML_NATIVE=OFF, if need be with "
    "-DGGML_CPU_ARM_ARCH=armv8.2-a+dotprod; or with a newer gcc.",
    links=("https://github.com/abetlen/llama-cpp-python/issues/1919",),
    explains=(
        "cpu-flag-unknown",
        "pip-build-failed",
    ),
)
