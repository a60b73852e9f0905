"""The locations of Coblyn's files. Nothing is created here.

``COBLYN_HOME`` moves everything into one directory; without it each kind goes where the platform wants it.
"""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import PlatformDirs

__all__ = [
    "bundles",
    "cache",
    "config",
    "downloads",
    "journal",
    "logs",
    "models",
    "own_settings",
    "presets",
    "proofs",
    "stories",
    "tunings",
]

_DIRS = PlatformDirs("coblyn", appauthor=False)


def _home(kind: str, default: str) -> Path:
    home = os.environ.get("COBLYN_HOME")
    return Path(home).expanduser().absolute() / kind if home else Path(default)


def cache() -> Path:
    """Data that can be made or downloaded again."""
    return _home("cache", _DIRS.user_cache_dir)


def downloads() -> Path:
    """Archives that were fetched, and the parts of those that are on their way."""
    return cache() / "downloads"


def bundles() -> Path:
    """Engine bundles, one directory each."""
    return cache() / "bundles"


def tunings() -> Path:
    """What was measured of engine bundles on this machine, one file each."""
    return cache() / "tunings"


def proofs() -> Path:
    """On which machines engine bundles were proved, one file each."""
    return cache() / "proofs"


def logs() -> Path:
    """Full logs of builds."""
    return cache() / "logs"


def data() -> Path:
    """Data that cannot be made again."""
    return _home("data", _DIRS.user_data_dir)


def models() -> Path:
    """Models that were pulled."""
    return data() / "models"


def model_folders() -> tuple[Path, ...]:
    """Further directories of the user's whose models are used where they lie: ``COBLYN_MODEL_FOLDERS``."""
    named = os.environ.get("COBLYN_MODEL_FOLDERS", "").split(os.pathsep)
    return tuple(Path(each).expanduser().absolute() for each in named if each)


def stories() -> Path:
    """The stories that pages save on the server."""
    return _home("data", _DIRS.user_data_dir) / "stories.sqlite"


def presets() -> Path:
    """The user's own presets of generation parameters."""
    return config().with_name("presets.toml")


def own_settings() -> Path:
    """The user's settings for single models."""
    return config().with_name("models.toml")


def journal() -> Path:
    """The journal of all stories of the writing page."""
    return _home("data", _DIRS.user_data_dir) / "journal.sqlite"


def config() -> Path:
    """The settings file."""
    return _home("config", _DIRS.user_config_dir) / "coblyn.toml"
