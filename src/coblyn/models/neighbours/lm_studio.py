"""LM Studio's models: ``PUBLISHER/REPO/FILE`` in one of two folders, depending on its version."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from coblyn.models.neighbours.neighbour import Neighbour, gguf_files, named

__all__ = ["find"]

_FOLDERS = ("~/.lmstudio/models", "~/.cache/lm-studio/models")


def find() -> Iterator[Neighbour]:
    """Models of all publishers."""
    for name in _FOLDERS:
        root = Path(name).expanduser()
        for path in gguf_files(root):
            owner = path.parent.relative_to(root).as_posix()
            yield Neighbour(named("lmstudio", owner, path), path, "LM Studio")
