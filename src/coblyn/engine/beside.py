"""Finds the projector of a model by the names of the files beside it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from coblyn.engine.config import EngineConfig

__all__ = ["AUTO", "find_projector", "projector_of"]

AUTO = "auto"
"""Used in place of a projector's path: take the one beside the model, if there is one."""

_WORD = "mmproj"
_SPLIT = re.compile(r"-\d{5}-of-\d{5}$")
# Weight types in file names: "Q4_K_M", "IQ2_XXS", "UD-Q4_K_XL", "f16".
_TYPE = re.compile(r"^(ud|i?q\d+\w*|[a-z]*f\d+|mxfp4|nvfp4|tq\d+\w*)$")
_UNNAMED = ("", "model")
_PREFERRED = ("f16", "bf16", "q8_0", "f32")


def projector_of(config: EngineConfig) -> Path | None:
    """The projector of a configuration: the one it names, or the one beside its model."""
    if config.projector == AUTO:
        return find_projector(Path(config.model)) if config.model else None
    return Path(config.projector) if config.projector else None


def find_projector(model: Path) -> Path | None:
    """The projector in a model's folder; None if there is none, or none that clearly belongs to this model.

    It belongs to the model if its name contains the model's, as in ``mmproj-gemma-3-4b-it-f16.gguf`` beside
    ``gemma-3-4b-it-Q4_K_M.gguf``, or if the folder holds one model only.
    """
    files = sorted(model.parent.glob("*.gguf"))
    projectors = [file for file in files if _WORD in file.name.lower()]
    wanted = _core(model)
    named = [file for file in projectors if _core(file) == wanted]
    if named:
        return _best(named)
    others = {_core(file) for file in files if file not in projectors}
    return _best(projectors) if projectors and others <= {wanted} else None


def _best(files: Sequence[Path]) -> Path:
    def rank(file: Path) -> int:
        name = file.name.lower()
        return next((i for i, kind in enumerate(_PREFERRED) if kind in name), len(_PREFERRED))

    return min(files, key=rank)


def _core(file: Path) -> str:
    """A file's name without its weight type, its part number, and the marker of a projector."""
    stem = _SPLIT.sub("", file.name.lower().removesuffix(".gguf"))
    words = [word for word in re.split(r"[-.]", stem) if word != _WORD and not _TYPE.match(word)]
    core = "-".join(words)
    return "" if core in _UNNAMED else core
