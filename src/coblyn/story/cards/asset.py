"""Pictures and other files of a card: stored with it, shown as a portrait, and exported again."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

__all__ = ["MAX_ASSET", "MAX_ASSETS", "Asset", "asset_of", "is_safe", "media_type", "portrait_of"]

MAX_ASSET = 4 << 20
MAX_ASSETS = 16 << 20
"""Bytes of one file that are kept, and of all files of a card: they are in the story's journal, which is read whole."""

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
)
_EMBEDDED = ("embeded://", "embedded://")
"""The first is how the specification of version 3 spells it."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A file.

    Attributes:
        path: Its path in the card's archive; empty for a picture that contains the card itself.
        data: Its content.
    """

    path: str
    data: bytes = field(repr=False)

    def to_json(self) -> dict[str, str]:
        """As a story keeps it."""
        return {"path": self.path, "data": base64.b64encode(self.data).decode()}


def asset_of(value: Any) -> Asset | None:
    """A file as a story keeps it; None if it is not one."""
    if not isinstance(value, Mapping) or not isinstance(value.get("data"), str):
        return None
    try:
        data = base64.b64decode(value["data"], validate=True)
    except (binascii.Error, ValueError):
        return None
    path = value.get("path")
    return Asset(path if isinstance(path, str) and is_safe(path) else "", data)


def is_safe(path: str) -> bool:
    """Whether a path stays within the directory that an archive is unpacked in."""
    parts = PurePosixPath(path).parts
    is_inside = bool(parts) and ".." not in parts and parts[0] != "/"
    return is_inside and not any(char in path for char in "\\:\0") and len(path) <= 200


def media_type(data: bytes) -> str:
    """Media type of a file by its first bytes, if browsers show it as a picture; else empty."""
    if (data[:4], data[8:12]) == (b"RIFF", b"WEBP"):
        return "image/webp"
    return next((kind for start, kind in _SIGNATURES if data.startswith(start)), "")


def portrait_of(raw: Mapping[str, Any], assets: Sequence[Asset]) -> int | None:
    """Which file shows the character, by its number; None for no picture.

    That is the main icon that the card names, else another icon, else the picture that it came in.
    """
    by_path = {asset.path: n for n, asset in enumerate(assets) if media_type(asset.data)}
    named = sorted(_icons(raw), key=lambda icon: icon[0] != "main")
    found = [by_path[path] for _, path in named if path in by_path]
    found += [n for path, n in by_path.items() if path.startswith("assets/icon/") or path == ""]
    return found[0] if found else None


def _icons(raw: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name and path of each icon that a card of version 3 names."""
    data = raw.get("data")
    given = data.get("assets") if isinstance(data, Mapping) else None
    named = (one for one in given if isinstance(one, Mapping)) if isinstance(given, list) else ()
    uris = [
        (str(one.get("name")), str(one.get("uri"))) for one in named if one.get("type") == "icon"
    ]
    return [(name, uri.split("://", 1)[1]) for name, uri in uris if uri.startswith(_EMBEDDED)]
