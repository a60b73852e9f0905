"""Two options of a project that exclude each other."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

_NAME = r"[A-Z][A-Z0-9]+_[A-Z0-9_]{1,60}"

CAUSE = log_cause(
    "options-contradict",
    "Two options contradict each other",
    sign(
        r"(?P<one>GGML_NATIVE) is not compatible with (?P<other>GGML_BACKEND_DL)",
        "{one} builds for the very processor of this machine, {other} for whichever loads it.",
        command="cmake --fresh -B build -DGGML_BACKEND_DL=ON -DGGML_NATIVE=OFF -DGGML_CPU_ALL_VARIANTS=ON",
        text="Drop one of them: -DGGML_NATIVE=OFF, with -DGGML_CPU_ALL_VARIANTS=ON for all kinds of processors; or "
        "leave out -DGGML_BACKEND_DL=ON.",
    ),
    sign(
        r"(?P<one>GGML_CPU_ALL_VARIANTS) requires (?P<other>GGML_BACKEND_DL)",
        "{one} makes a library for each kind of processor, which only {other} can load.",
        command="cmake --fresh -B build -DGGML_BACKEND_DL=ON -DGGML_NATIVE=OFF -DGGML_CPU_ALL_VARIANTS=ON",
    ),
    sign(
        r"(?P<one>GGML_BACKEND_DL) requires (?P<other>BUILD_SHARED_LIBS)",
        "{one} loads backends while the program runs, so they must be shared libraries.",
        command="cmake --fresh -B build -DGGML_BACKEND_DL=ON -DBUILD_SHARED_LIBS=ON",
    ),
    sign(
        rf"CMake Error[^\n]{{0,300}} (?P<one>{_NAME}) (?:is (?:not compatible|incompatible|mutually exclusive)|and "
        rf"{_NAME} (?:are|is) (?:not compatible|incompatible|mutually exclusive)|can ?not be (?:used|combined"
        rf"|set|enabled)"
        rf" (?:together )?)(?:with)? ?(?P<other>{_NAME})?",
        "The project says that {one} does not go together with another option that is on.",
        text="Switch one of the two off (-D{one}=OFF), in a fresh build directory.",
    ),
    looks_like="GGML_NATIVE is not compatible with GGML_BACKEND_DL, consider using GGML_CPU_ALL_VARIANTS",
    explanation="Options that were given, or that are on by default, ask for things that exclude each other.",
    fix="Drop one of the two, and configure in a fresh build directory: CMake keeps what it was told before.",
    links=("https://github.com/abetlen/llama-cpp-python/issues/2069",),
    explains=("project-refusal", "pip-build-failed"),
)
