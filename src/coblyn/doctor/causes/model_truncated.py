"""A model file that is shorter than it says."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "model-truncated",
    "The model file is cut off or damaged",
    sign(
        r"tensor '(?P<name>[^'\n]{1,80})' data is not within (?:the )?file bounds",
        "The data of {name} lie beyond the end of the file.",
    ),
    sign(r"model is corrupted or incomplete"),
    sign(
        r"failed to read (?:key-value pairs|tensor info|tensor data|header)",
        "The file ends before its own table does.",
    ),
    sign(r"unexpectedly reached end of file", "The file ends too early.", also=r"llama|gguf|ggml"),
    looks_like="tensor 'blk.20.ffn_gate.weight' data is not within the file bounds, model is "
    "corrupted or incomplete",
    explanation="A download was broken off, the disk was full, or one part of a model in several "
    "files is missing.",
    fix="Download it again and compare its size (better, its SHA-256) with the publisher's.",
    links=(
        "https://github.com/ollama/ollama/issues/6228",
        "https://github.com/moly-ai/moly-local/issues/13",
    ),
)
