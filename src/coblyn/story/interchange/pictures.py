"""Pictures and other files of cards, in a story and out of it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from coblyn.errors import BadRequest, NotFound
from coblyn.story.cards.archive import charx
from coblyn.story.cards.asset import Asset, asset_of, media_type, portrait_of
from coblyn.story.cards.file import CardFile, card_png
from coblyn.story.interchange.books import card_json
from coblyn.story.interchange.report import Writer
from coblyn.story.operation import Put
from coblyn.story.phrases import phrase
from coblyn.story.state import State

__all__ = ["add_assets", "charx_of", "picture_card", "portrait", "shown"]

_NAMED = 8
"""Files that a report names; of more it says how many there are."""


def shown(character: str, file: CardFile) -> dict[str, Any]:
    """What a character has to know of the files of its card: which one is its portrait."""
    number = portrait_of(file.raw, file.assets)
    return {} if number is None else {"portrait": f"asset.{character}.{number}"}


def add_assets(writer: Writer, character: str, file: CardFile) -> None:
    """Keep the files of a card."""
    for number, asset in enumerate(file.assets):
        writer.operations.append(Put(f"kept/asset.{character}.{number}", asset.to_json()))
    if paths := [asset.path for asset in file.assets if asset.path]:
        more = ", …" if len(paths) > _NAMED else ""
        named = phrase("given", text=", ".join(paths[:_NAMED]) + more)
        writer.kept(phrase("card_files", n=len(paths)), named)
    for path in file.left_out:
        writer.dropped(path, "card_file_note")
    number_of = portrait_of(file.raw, file.assets)
    if number_of is not None:
        writer.understood("portrait", phrase("given", text=file.assets[number_of].path))


def portrait(state: State, character: str) -> Asset:
    """The picture of a character.

    Raises:
        NotFound: It has none, or there is no such character.
    """
    about = state.places.get(f"characters/{character}")
    name = about.get("portrait") if isinstance(about, Mapping) else None
    asset = asset_of(state.places.get(f"kept/{name}"))
    if asset is None or not media_type(asset.data):
        raise NotFound(f"The character {character!r} has no portrait.")
    return asset


def charx_of(state: State, character: str) -> bytes:
    """A character with its lore and all its files, as an archive.

    Raises:
        BadRequest: There is no such character.
    """
    return charx(card_json(state, character), _assets(state, character))


def picture_card(state: State, character: str) -> bytes:
    """The PNG that a character came in, with the card as it is now.

    Raises:
        BadRequest: There is no such character, or it came in no PNG.
    """
    raw = card_json(state, character)
    for asset in _assets(state, character):
        if asset.path == "" and media_type(asset.data) == "image/png":
            return card_png(asset.data, raw)
    raise BadRequest(
        f"The character {character!r} did not come in a PNG: export it as card or charx.",
        field="which",
    )


def _assets(state: State, character: str) -> list[Asset]:
    kept = state.collection("kept")
    start = f"asset.{character}."
    names = [name for name in kept if name.startswith(start)]
    found = (asset_of(kept[name]) for name in sorted(names, key=_number))
    return [asset for asset in found if asset]


def _number(name: str) -> int:
    end = name.rsplit(".", 1)[1]
    return int(end) if end.isascii() and end.isdigit() else 0
