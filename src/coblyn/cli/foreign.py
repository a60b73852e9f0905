"""KoboldCPP's settings files on the command line: what they mean here, and what is said about them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coblyn.errors import SettingsError
from coblyn.models.kcpps import is_kcpps, read_kcpps

if TYPE_CHECKING:
    from coblyn.models.kcpps import Kcpps

__all__ = ["Foreign", "read_foreign"]


@dataclass(frozen=True, slots=True)
class Foreign:
    """What another program's settings file says.

    Attributes:
        model: The model that it names, or that was named without a file; None for none.
        settings: The name of the file, and values by the names of our settings.
        told: What became of its keys, for people; empty without a file.
    """

    model: str | None = None
    settings: tuple[str, dict[str, Any]] = ("", {})
    told: str = ""


def read_foreign(name: str | None) -> Foreign:
    """What a model argument means that may be such a file.

    Raises:
        SettingsError: It is one that cannot be read.
    """
    if name is None or not is_kcpps(name):
        return Foreign(name)
    if "://" in name:
        raise SettingsError(
            f"{name} is on another machine.", hint="Fetch the file, and name it: coblyn serve FILE"
        )
    found = read_kcpps(Path(name).expanduser())
    settings = {**found.settings, **_keys(found)}
    return Foreign(found.model or None, (str(found.path), settings), _told(found))


def _keys(found: Kcpps) -> dict[str, Any]:
    """KoboldCPP's passwords as keys. It asks programs of the same machine for them, too."""
    from coblyn.keys.key import hash_of

    scopes = {"generate": found.password, "admin": found.admin_password}
    keys = [
        {"name": f"kcpps-{scope}", "hash": hash_of(secret.encode()), "scope": scope}
        for scope, secret in scopes.items()
        if secret
    ]
    needs_key = {"require_key": True} if found.password else {}
    return {"keys": keys, **needs_key} if keys else {}


def _told(found: Kcpps) -> str:
    """Each key that someone changed, and what became of it."""
    lines = [f"Settings of KoboldCPP from {found.path}:"]
    understood = [f"{key} as {name}" for key, name in found.understood.items()]
    lines += _listed("understood", understood)
    lines += _listed("not yet here", [f"{key} ({what})" for key, what in found.kept.items()])
    lines += _listed("without meaning", [f"{k} ({why})" for k, why in found.pointless.items()])
    return "\n".join(lines)


def _listed(title: str, items: list[str]) -> list[str]:
    return [f"  {title}: {', '.join(items)}"] if items else []
