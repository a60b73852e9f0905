"""A program built for a better processor than the one that runs it."""

from __future__ import annotations

from coblyn.doctor.causes._sign import Sign, log_cause, sign
from coblyn.doctor.finding import Confidence

# Without GGML_NATIVE, ggml's CMake switches AVX, AVX2, FMA, F16C and BMI2 on (INS_ENB in ggml/CMakeLists.txt).
_OPTIONS = (
    "-DGGML_NATIVE=OFF -DGGML_AVX=OFF -DGGML_AVX2=OFF -DGGML_FMA=OFF -DGGML_F16C=OFF "
    "-DGGML_BMI2=OFF"
)
_PIP = (
    f'CMAKE_ARGS="{_OPTIONS}" pip install --no-cache-dir --force-reinstall '
    "--no-binary llama-cpp-python llama-cpp-python"
)
_PYTHON = r"[Pp]ython|\bpip\b|llama_cpp"
_CMAKE = f"cmake --fresh -B build {_OPTIONS} && cmake --build build"


def _signs(words: str, story: str, unless: str = "") -> tuple[Sign, Sign]:
    """By what built it: Python's pip, or CMake."""
    return (
        sign(words, story, command=_PIP, also=_PYTHON, unless=unless, sure=Confidence.MEDIUM),
        sign(words, story, command=_CMAKE, unless=unless, sure=Confidence.MEDIUM),
    )


CAUSE = log_cause(
    "illegal-instruction",
    "The program has instructions that this processor does not run",
    *_signs(
        r"[Ii]llegal instruction",
        "The processor met an instruction that it does not have.",
        unless=r"(?:fatal )?error: [^\n]{0,80}illegal instruction|Error: illegal instruction",
    ),
    *_signs(
        r"[Ee]xit(?:ed with)? code:? (?:132|-4|-1073741795|3221225501|0xC000001D)\b",
        "The program ended with the code for an illegal instruction.",
    ),
    *_signs(
        r"illegal hardware instruction",
        "The processor met an instruction that it does not have.",
    ),
    looks_like="Illegal instruction (core dumped)",
    explanation="Most often the program was built for another processor: by default ggml is built for the very "
    "processor that builds (-march=native), and some wheels and "
    "images ask for AVX2 or AVX-512. An older processor, or a virtual machine that hides them, stops at the first "
    "such instruction. Where the program was built on this very machine, it is a compiler's fault (GCC 11 to 13 with "
    "AMX), or an instruction that the system must allow first.",
    fix="This is for a processor with none of AVX, AVX2, FMA, F16C and BMI2: -DGGML_NATIVE=OFF alone leaves them "
    "on. Leave out what it has (lscpu shows it), or build on the very machine that runs it with -DGGML_NATIVE=ON, "
    "which finds that out by itself.",
    links=(
        "https://github.com/abetlen/llama-cpp-python/issues/272",
        "https://github.com/abetlen/llama-cpp-python/issues/753",
        "https://github.com/ggml-org/llama.cpp/issues/537",
        "https://github.com/ollama/ollama/issues/516",
    ),
    explains=("exec-format-error",),
)
