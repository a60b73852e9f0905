"""A model newer than the program."""

from __future__ import annotations

from coblyn.doctor.causes._sign import log_cause, sign

CAUSE = log_cause(
    "model-unknown-architecture",
    "The model is newer than the program",
    sign(
        r"unknown (?:model )?architecture: '(?P<name>[^'\n]{1,60})'",
        "The program does not know models of the kind {name}.",
    ),
    sign(
        r"unknown pre-tokenizer type: '(?P<name>[^'\n]{1,60})'",
        "The program does not know the tokenizer {name}.",
    ),
    sign(
        r"invalid ggml type (?P<name>\d+)|unknown (?:type|ggml_type) (?P<type>\d+) \(",
        "The program does not know the quantization {name}{type}.",
    ),
    sign(
        r"done_getting_tensors: wrong number of tensors; expected (?P<want>\d+), got (?P<have>\d+)",
        "The model has {want} tensors, and the program made use of {have}.",
    ),
    sign(
        r"check_tensor_dims: tensor '(?P<name>[^'\n]{1,80})' (?:not found|has wrong shape)",
        "The tensor {name} is not what the program expects.",
    ),
    looks_like="error loading model: unknown model architecture: 'qwen3next'",
    explanation="Each new family of models needs code of its own in llama.cpp; a program that "
    "was built before does not have it.",
    fix="Update the program (and a package that brings its own llama.cpp), or take a model that "
    "it knows.",
    links=("https://github.com/netdur/llama_cpp_dart/issues/40",),
)
