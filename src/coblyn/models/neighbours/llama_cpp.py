"""The cache of llama.cpp's own programs (``common/common.cpp``, ``fs_get_cache_directory``)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from platformdirs import user_cache_path

from coblyn.models.neighbours.neighbour import Neighbour, gguf_files
from coblyn.models.splits import plain_name

__all__ = ["find"]


def find() -> Iterator[Neighbour]:
    """Models downloaded by ``llama-server -hf`` and similar programs."""
    folder = os.environ.get("LLAMA_CACHE")
    root = Path(folder).expanduser() if folder else user_cache_path("llama.cpp", appauthor=False)
    for path in gguf_files(root):
        yield Neighbour(f"llama.cpp:{plain_name(path.name)}", path, "llama.cpp's cache")
