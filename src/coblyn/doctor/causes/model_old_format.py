"""A model file in a format that the program does not read."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "model-old-format",
    "The model file is not in the format that the program reads",
    sign(
        r"invalid magic(?: number)?:? ?'?(?P<magic>[^'\n,]{0,40})'?",
        "The file begins with {magic}, where GGUF is expected.",
    ),
    sign(
        r"unknown \(magic, version\) combination: (?P<magic>\w{1,20}), "
        r"?(?P<version>\w{1,20})[^\n]{0,80}",
        "The file begins with {magic}, which this program does not read: an old program met a "
        "GGUF file, or the other way round.",
    ),
    sign(
        r"bad magic|invalid model file '?(?P<path>[^'\n]{1,200})'? \(too old, regenerate your "
        r"model files"
    ),
    sign(
        r"unsupported GGUF version (?P<version>\d+)|GGUFv1 is no longer supported|this GGUF file "
        r"is version (?P<other>\d+) but",
        "The file is of GGUF version {version}{other}.",
    ),
    looks_like="invalid magic number: 67676a74; unknown (magic, version) combination: 46554747",
    explanation="Before August 2023 models were ggml, ggmf or ggjt files; since then they are GGUF. Each program "
    "reads one or the other (KoboldCPP reads both). A page of HTML, or the pointer of Git LFS, saved under the "
    "model's name gives the same message.",
    fix="Take the model as GGUF, and see that the file's size is right; with an old program, "
    "update it.",
    links=(
        "https://github.com/abetlen/llama-cpp-python/issues/902",
        "https://github.com/ggml-org/llama.cpp/issues/3905",
        "https://github.com/ggml-org/llama.cpp/issues/1833",
    ),
)
