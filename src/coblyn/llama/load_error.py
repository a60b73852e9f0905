"""Explains why a model could not be loaded, from the library's log. Texts of llama.cpp 0.5.0, src/ and ggml/src/."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from coblyn.errors import ModelBroken, ModelError, ModelNotFound, ModelUnsupported

__all__ = ["load_error", "reason_of"]

_NEWER = "The model is newer than this engine: a newer Coblyn may know it; otherwise choose another model."
_AGAIN = "The file is damaged or cut short: fetch it again."
_CONVERTED = (
    "The file lacks what this engine needs: it was converted by a program that is older or newer than the engine, "
    "or is only a part of a model. Get another conversion of it."
)
_MEMORY = (
    "There is not enough memory for it: close other programs, choose a smaller quantization, a smaller --context, or "
    "fewer --gpu-layers."
)
_OPEN = "Look whether the file is still there and may be read."

_Cause = tuple[str, type[ModelError], str, str]

# What the library says, the error that it means, what is said of the file, and the hint. The first that fits counts.
_CAUSES: tuple[_Cause, ...] = (
    (
        r"unknown model architecture: '(.*?)'",
        ModelUnsupported,
        "is a model of the architecture {!r}, which this engine does not know",
        _NEWER,
    ),
    (
        r"unknown pre-tokenizer type: '(.*?)'",
        ModelUnsupported,
        "splits text by the pre-tokenizer {!r}, which this engine does not know",
        _NEWER,
    ),
    (
        r"unknown tokenizer: '(.*?)'",
        ModelUnsupported,
        "has a vocabulary of the kind {!r}, which this engine does not know",
        _NEWER,
    ),
    (
        r"tensor '(.*?)' (?:has|of type) .*?(?:invalid ggml type|unknown type)",
        ModelUnsupported,
        "has the tensor {!r} in a type of weights that this engine does not know",
        _NEWER,
    ),
    (
        r"wrong number of tensors; (expected \d+, got \d+)",
        ModelUnsupported,
        "has tensors that this engine does not know ({})",
        _NEWER,
    ),
    (
        r"(?:missing tensor '|tensor ')([^']*)'(?: not found|$)",
        ModelBroken,
        "has no tensor {!r}",
        _CONVERTED,
    ),
    (r"key not found in model: (\S+)", ModelBroken, "has no key {!r}", _CONVERTED),
    (
        r"tensor '(.*? has wrong shape; .*)",
        ModelBroken,
        "contradicts itself: tensor '{}",
        _CONVERTED,
    ),
    (
        (
            r"(bad_alloc|insufficient memory.*|[Cc]annot allocate memory|[Oo]ut of memory"
            r"|failed to allocate.*|unable to allocate.*|allocation of .*? failed.*)"
        ),
        ModelError,
        "needs more memory than there is ({})",
        _MEMORY,
    ),
    (
        (
            r"(not within the file bounds|corrupted or incomplete|unexpectedly reached end of file|read error"
            r"|failed to read .*)"
        ),
        ModelBroken,
        "is cut short ({})",
        _AGAIN,
    ),
    (r"(invalid magic.*|failed to read magic)", ModelBroken, "is not a GGUF file ({})", _AGAIN),
    (
        r"failed to open (?:GGUF file )?.*?(\([^()]*\)|: [^:]*)$",
        ModelError,
        "cannot be opened {}",
        _OPEN,
    ),
)


def load_error(path: Path, errors: Sequence[str]) -> ModelError:
    """The error for a model that the library did not load.

    Args:
        path: The file.
        errors: Error lines of the library, oldest first.
    """
    if not path.exists():
        return ModelNotFound(
            f"There is no model file {path}.",
            hint="It may have been moved or deleted in the meantime.",
        )
    if not os.access(path, os.R_OK):
        return ModelError(f"{path} may not be read by this user.", hint="Change its permissions.")
    for pattern, kind, text, hint in _CAUSES:
        for line in errors:
            found = re.search(pattern, line)
            if found:
                return kind(f"{path} {text.format(found[1])}.", hint=hint)
    reason = reason_of(errors)
    return ModelBroken(
        f"{path} cannot be loaded: {reason}.",
        hint="Try another file of the model. If no model can be loaded, look with `coblyn doctor`.",
    )


def reason_of(errors: Sequence[str]) -> str:
    """The library's first error, without the names of its functions."""
    if not errors:
        return "the library gave no reason"
    return re.sub(r"^(?:\w+: )+(?:error loading model[^:]*: )?", "", errors[0]).rstrip(". ")
