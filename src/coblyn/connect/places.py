"""Where a program keeps its settings."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["chosen", "config_home"]


def chosen(variable: str, otherwise: Path) -> Path:
    """The directory that a variable of the environment names by an absolute path, or else the usual one."""
    named = Path(os.environ.get(variable, ""))
    return named if named.is_absolute() else otherwise


def config_home(home: Path) -> Path:
    """The base directory of settings (the XDG Base Directory Specification)."""
    return chosen("XDG_CONFIG_HOME", home / ".config")
