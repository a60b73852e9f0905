"""Ollama's store: ``manifests/HOST/NAMESPACE/NAME/TAG`` name blobs by their digests, as its registry does."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from coblyn.models.neighbours.neighbour import Neighbour

__all__ = ["find"]

_MODEL = "application/vnd.ollama.image.model"
_FOLDERS = (
    "~/.ollama/models",
    "/usr/share/ollama/.ollama/models",
    "/var/lib/ollama/.ollama/models",
)
"""The user's store, and those of services on Linux distributions."""


def find() -> Iterator[Neighbour]:
    """Models of all manifests."""
    chosen = os.environ.get("OLLAMA_MODELS")
    for name in (chosen,) if chosen else _FOLDERS:
        root = Path(name).expanduser()
        with suppress(OSError):
            for manifest in sorted((root / "manifests").glob("*/*/*/*")):
                blob = _model_blob(root, manifest)
                if blob is not None:
                    yield Neighbour(_name(manifest), blob, "Ollama")


def _name(manifest: Path) -> str:
    namespace, name, tag = manifest.parts[-3:]
    whole = name if namespace == "library" else f"{namespace}/{name}"
    return f"ollama:{whole}:{tag}"


def _model_blob(root: Path, manifest: Path) -> Path | None:
    with suppress(OSError, ValueError, TypeError, AttributeError):
        for layer in json.loads(manifest.read_text("utf-8")).get("layers", ()):
            if layer.get("mediaType") == _MODEL:
                path = root / "blobs" / str(layer.get("digest", "")).replace(":", "-")
                return path if path.is_file() else None
    return None
