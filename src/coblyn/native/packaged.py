"""Engines that were installed as Python packages, from wheels that `coblyn.native.wheel` writes."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from coblyn.native.receipt import FILE_NAME

__all__ = ["ENGINE_PACKAGES", "distribution_of", "package_folders"]

_PREFIX = "coblyn_engine_"
ENGINE_PACKAGES = tuple(
    _PREFIX + name for name in ("metal", "cuda13", "cuda12", "hip", "vulkan", "cpu")
)
"""Names of the packages, in order of preference."""


def package_folders() -> list[Path]:
    """Directories of the installed packages, in order of preference; the packages are not imported."""
    specs = filter(None, map(importlib.util.find_spec, ENGINE_PACKAGES))
    places = [Path(place) for spec in specs for place in spec.submodule_search_locations or ()]
    return [place for place in places if (place / FILE_NAME).is_file()]


def distribution_of(folder: Path) -> str:
    """Name of the distribution that a bundle's directory belongs to; empty if it belongs to no package."""
    return folder.name.replace("_", "-") if folder.name in ENGINE_PACKAGES else ""
