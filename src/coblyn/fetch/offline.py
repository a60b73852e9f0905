"""Whether the network may be used, and the pack that replaces it.

``COBLYN_OFFLINE=1`` forbids the network; ``COBLYN_PACK`` names a directory that ``coblyn pack`` has filled, and forbids
it too, since the pack contains everything needed.
"""

from __future__ import annotations

import os
from pathlib import Path

from coblyn.errors import FetchError, SettingsError

__all__ = [
    "OFFLINE",
    "PACK",
    "PACKAGES",
    "forbid_network",
    "is_offline",
    "pack_links",
    "require_network",
]

OFFLINE = "COBLYN_OFFLINE"
PACK = "COBLYN_PACK"
PACKAGES = "packages"
"""Folder of a pack with the files from package indexes: wheels, and the source of llama.cpp."""

_TRUE = {"1", "true", "yes", "on"}


def is_offline() -> bool:
    """Whether network access is forbidden."""
    return os.environ.get(OFFLINE, "").lower() in _TRUE or bool(os.environ.get(PACK))


def require_network(place: str) -> None:
    """Require that the network may be used to reach a place.

    Raises:
        FetchError: Network access is forbidden.
    """
    if is_offline():
        raise FetchError(
            f"{place} is not fetched: the network must not be used.",
            hint="Leave out --offline, COBLYN_OFFLINE and COBLYN_PACK, or get the file by other means.",
        )


def forbid_network() -> None:
    """Forbid network access from now on, in this process and those that it starts."""
    os.environ[OFFLINE] = "1"


def pack_links() -> tuple[Path, ...]:
    """Where a pack's files are; empty if no pack is named.

    Raises:
        SettingsError: The named directory is not a pack.
    """
    named = os.environ.get(PACK)
    if not named:
        return ()
    folder = Path(named).expanduser() / PACKAGES
    if not folder.is_dir():
        raise SettingsError(
            f"{PACK} names {named}, which is not a pack: there is no folder {PACKAGES} in it.",
            hint="Name the directory that `coblyn pack` has filled, or unset the variable.",
        )
    return (folder.absolute(),)
