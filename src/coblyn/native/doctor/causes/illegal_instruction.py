"""A program built for a better processor than the one that runs it."""

from __future__ import annotations

from coblyn.native.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "illegal-instruction",
    "The program was built for another processor",
    sign(
        r"[Ii]llegal instruction",
        "The processor met an instruction that it does not have.",
        command='CMAKE_ARGS="-DGGML_NATIVE=OFF" pip install --no-cache-dir --force-reinstall '
        "llama-cpp-python",
        unless=r"(?:fatal )?error: [^\n]{0,80}illegal instruction|Error: illegal instruction",
    ),
    sign(
        r"exit code (?:132|-4|-1073741795|3221225501|0xC000001D)\b",
        "The program ended with the code for an illegal instruction.",
        command='CMAKE_ARGS="-DGGML_NATIVE=OFF" pip install --no-cache-dir --force-reinstall '
        "llama-cpp-python",
    ),
    sign(
        r"illegal hardware instruction",
        "The processor met an instruction that it does not have.",
        command='CMAKE_ARGS="-DGGML_NATIVE=OFF" pip install --no-cache-dir --force-reinstall '
        "llama-cpp-python",
    ),
    looks_like="Illegal instruction (core dumped)",
    explanation="By default ggml is built for the very processor that builds (-march=native), "
    "and some wheels and images ask for AVX2 or "
    "AVX-512. An older processor, or a virtual machine that hides them, stops at the first such "
    "instruction.",
    fix="Build on the machine that runs it, or without: -DGGML_NATIVE=OFF and, for processors "
    "without AVX2, "
    "-DGGML_AVX2=OFF -DGGML_FMA=OFF -DGGML_F16C=OFF.",
    links=(
        "https://github.com/abetlen/llama-cpp-python/issues/272",
        "https://github.com/abetlen/llama-cpp-python/issues/753",
        "https://github.com/ggml-org/llama.cpp/issues/537",
        "https://github.com/ollama/ollama/issues/516",
    ),
)
