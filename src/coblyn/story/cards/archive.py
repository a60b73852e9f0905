"""Archives of cards (CHARX): always of version 3, with the picture that a card came in as its icon."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from typing import Any

from coblyn.story.cards.asset import Asset, media_type
from coblyn.story.cards.png import without_texts

__all__ = ["charx"]

_SUFFIXES = {"image/png": "png", "image/jpeg": "jpeg", "image/webp": "webp", "image/gif": "gif"}
_DEFAULT = "ccdefault:"
"""Stands for the picture that the card is in."""


def charx(raw: Mapping[str, Any], assets: Iterable[Asset]) -> bytes:
    """An archive of a card and its files; the same bytes for the same content."""
    card, files = _as_version_3(raw), list(assets)
    carrier = next((one for one in files if not one.path and media_type(one.data)), None)
    named = {one.path: one.data for one in files if one.path}
    if carrier is not None:
        card, icon = _with_icon(card, carrier.data, named)
        named[icon.path] = icon.data
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        text = json.dumps(card, ensure_ascii=False, indent=4).encode("utf-8", "surrogatepass")
        for path, data in {**named, "card.json": text}.items():
            archive.writestr(zipfile.ZipInfo(path), data, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def _as_version_3(raw: Mapping[str, Any]) -> dict[str, Any]:
    if raw.get("spec") == "chara_card_v3" and isinstance(raw.get("data"), Mapping):
        return dict(raw)
    inner = raw.get("data")
    outer = dict(raw) if isinstance(inner, Mapping) else {}
    data = dict(inner) if isinstance(inner, Mapping) else dict(raw)
    return outer | {
        "spec": "chara_card_v3",
        "spec_version": "3.0",
        "data": {"group_only_greetings": list[str]()} | data,
    }


def _with_icon(
    card: dict[str, Any], picture: bytes, taken: Mapping[str, bytes]
) -> tuple[dict[str, Any], Asset]:
    """The card with its picture as a file that it names as its main icon."""
    suffix = _SUFFIXES[media_type(picture)]
    stem, number = "assets/icon/images/main", 1
    while (path := f"{stem}{number if number > 1 else ''}.{suffix}") in taken:
        number += 1
    data = card["data"]
    given = data.get("assets")
    others = [
        one
        for one in (given if isinstance(given, list) else [])
        if not (
            isinstance(one, Mapping) and one.get("type") == "icon" and one.get("uri") == _DEFAULT
        )
    ]
    icon = {"type": "icon", "uri": f"embeded://{path}", "name": "main", "ext": suffix}
    has_main = any(
        isinstance(one, Mapping) and (one.get("type"), one.get("name")) == ("icon", "main")
        for one in others
    )
    mine = icon | ({"name": "card"} if has_main else {})
    return card | {"data": data | {"assets": [*others, mine]}}, Asset(path, without_texts(picture))
