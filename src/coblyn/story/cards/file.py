"""Reads a card from a file: PNG, WEBP, JPEG, a zip archive, or JSON."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from coblyn.errors import FileRefused
from coblyn.story.bounded import Archive, decoded, json_of, unbase64
from coblyn.story.cards.asset import MAX_ASSET, MAX_ASSETS, Asset, is_safe
from coblyn.story.cards.card import Card, read_card
from coblyn.story.cards.png import SIGNATURE, texts_of_png, with_texts
from coblyn.story.phrases import Phrase, phrase, phrase_of, refused

__all__ = ["CardFile", "card_png", "is_picture", "read_card_file"]

_COMMENT = b"ASCII\0\0\0"
"""Prefix of the text of an EXIF comment."""


@dataclass(frozen=True, slots=True)
class CardFile:
    """A card and its file.

    Attributes:
        card: The parsed card.
        raw: The original JSON.
        carrier: ``png``, ``webp``, ``charx`` or ``json``.
        assets: The picture of the card, or the other files of its archive.
        left_out: Paths of files that are too large, damaged or unsafe.
        notes: Problems found, as sentences.
    """

    card: Card
    raw: Mapping[str, Any] = field(repr=False)
    carrier: str
    assets: tuple[Asset, ...] = ()
    left_out: tuple[Phrase, ...] = ()
    notes: tuple[Phrase, ...] = ()


def is_picture(data: bytes) -> bool:
    """Whether a file is a picture that may contain a card."""
    return data.startswith((SIGNATURE, b"\xff\xd8\xff")) or (data[:4], data[8:12]) == (
        b"RIFF",
        b"WEBP",
    )


def read_card_file(data: bytes, name: str = "") -> CardFile:
    """Read the card in a file.

    Args:
        data: The file.
        name: Its name, used for a card without a name.

    Raises:
        FileRefused: There is no card in it, or it is damaged where the card is.
    """
    notes: list[Phrase] = []
    if data.startswith(SIGNATURE):
        return _made(_of_png(data, notes), "png", name, notes, *_picture(data))
    if (data[:4], data[8:12]) == (b"RIFF", b"WEBP"):
        return _made(_of_webp(data), "webp", name, notes, *_picture(data))
    if data.startswith((b"PK\x03\x04", b"\xff\xd8\xff")):
        with Archive(data, phrase("the_archive")) as archive:
            if "card.json" not in archive.names:
                raise refused("no_card_json")
            raw = json_of(archive.read("card.json"), "card.json")
            assets = _assets(archive)
        return _made(raw, "charx", name, notes, *assets)
    return _made(json_of(data, phrase("the_card")), "json", name, notes)


def card_png(picture: bytes, raw: Mapping[str, Any]) -> bytes:
    """Write a card as versions 2 and 3 into a PNG, replacing existing ones.

    Raises:
        FileRefused: The picture is not a complete PNG.
    """
    inner = raw.get("data")
    data = inner if isinstance(inner, dict) else dict(raw)
    outer = {
        key: value for key, value in raw.items() if key not in ("spec", "spec_version", "data")
    }
    old = outer | {"spec": "chara_card_v2", "spec_version": "2.0", "data": data}
    new = outer | {"spec": "chara_card_v3", "spec_version": "3.0", "data": data}
    return with_texts(picture, {"chara": _packed(old), "ccv3": _packed(new)})


def _packed(value: Any) -> bytes:
    return base64.b64encode(json.dumps(value, ensure_ascii=False).encode())


def _made(
    raw: Any,
    carrier: str,
    name: str,
    notes: list[Phrase],
    assets: tuple[Asset, ...] = (),
    left_out: tuple[Phrase, ...] = (),
) -> CardFile:
    card = read_card(raw, name.rsplit("/", 1)[-1].rsplit(".", 1)[0])
    return CardFile(card, raw, carrier, assets, left_out, (*notes, *card.notes))


def _picture(data: bytes) -> tuple[tuple[Asset, ...], tuple[Phrase, ...]]:
    return ((Asset("", data),), ()) if len(data) <= MAX_ASSETS else ((), (phrase("the_picture"),))


def _assets(archive: Archive) -> tuple[tuple[Asset, ...], tuple[Phrase, ...]]:
    """The files beside the card, and the paths of those that are left out."""
    kept, left_out, room = list[Asset](), list[Phrase](), MAX_ASSETS
    for path in dict.fromkeys(archive.names):  # the last of several with one name is read
        if path == "card.json" or path.endswith("/"):
            continue
        data = _asset(archive, path, min(room, MAX_ASSET))
        if data is None:
            left_out.append(phrase("given", text=path))
        else:
            kept.append(Asset(path, data))
            room -= len(data)
    return tuple(kept), tuple(left_out)


def _asset(archive: Archive, path: str, limit: int) -> bytes | None:
    try:
        return archive.read(path, limit) if is_safe(path) else None
    except FileRefused:
        return None  # too large, or damaged: the card itself is whole


def _of_png(data: bytes, notes: list[Phrase]) -> Any:
    texts = texts_of_png(data, notes)
    for keyword in ("ccv3", "chara"):
        if keyword not in texts:
            continue
        what = phrase("the_card_in", keyword=keyword)
        try:
            return json_of(unbase64(texts[keyword], what), what)
        except FileRefused as error:
            notes.append(phrase_of(error))
    raise refused("no_card_because", problem=notes[0]) if notes else refused("no_card")


def _of_webp(data: bytes) -> Any:
    for kind, body in _riff(data):
        if kind == b"EXIF" and (at := body.find(_COMMENT)) >= 0:
            return _comment(body[at + len(_COMMENT) :])
    raise refused("no_card")


def _riff(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 12
    while at + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        yield kind, data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


def _comment(text: bytes) -> Any:
    """Parse a comment: JSON, base64 of JSON, or its bytes as numbers; other data may follow."""
    start = text.lstrip()[:1]
    if start == b"{":
        plain = text.decode("utf-8", "replace").lstrip()
        try:
            end = json.JSONDecoder().raw_decode(plain)[1]
        except (ValueError, RecursionError) as error:
            raise refused("card_damaged") from error
        return json_of(plain[:end], phrase("the_card"))
    packed = text.split(b"\0", 1)[0]
    if start.isdigit() and b"," in packed:
        try:
            numbers = bytes(int(part) for part in packed.split(b","))
        except ValueError as error:
            raise refused("card_damaged") from error
        return json_of(decoded(numbers, phrase("the_card")), phrase("the_card"))
    return json_of(unbase64(packed, phrase("the_card")), phrase("the_card"))
