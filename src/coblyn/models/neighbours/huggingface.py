"""The cache of Hugging Face's hub: ``models--OWNER--REPO/snapshots/REVISION/FILE``, links into ``blobs``.

Layout: https://huggingface.co/docs/huggingface_hub/guides/manage-cache
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from coblyn.models.neighbours.neighbour import Neighbour, gguf_files, named

__all__ = ["find"]


def find() -> Iterator[Neighbour]:
    """Models of all repositories, each at its newest revision."""
    with suppress(OSError):
        for repository in sorted(_folder().glob("models--*--*")):
            owner = repository.name.removeprefix("models--").replace("--", "/", 1)
            for path in gguf_files(_newest(repository)):
                yield Neighbour(named("hf", owner, path), path, "Hugging Face's cache")


def _folder() -> Path:
    home = Path(os.environ.get("HF_HOME") or "~/.cache/huggingface").expanduser()
    return Path(os.environ.get("HF_HUB_CACHE") or home / "hub").expanduser()


def _newest(repository: Path) -> Path:
    """The snapshot of the main branch, or the latest one."""
    snapshots = repository / "snapshots"
    with suppress(OSError):
        main = snapshots / (repository / "refs" / "main").read_text("utf-8").strip()
        if main.is_dir():
            return main
    with suppress(OSError):
        return max(snapshots.iterdir(), key=lambda path: path.stat().st_mtime, default=snapshots)
    return snapshots
