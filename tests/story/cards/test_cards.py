from __future__ import annotations

import base64
import io
import json
import random
import zipfile
import zlib
from typing import Any

import pytest

from coblyn.errors import BadRequest
from coblyn.story.cards.archive import charx
from coblyn.story.cards.asset import Asset
from coblyn.story.cards.file import card_png, read_card_file
from story.files import V1, V2, V3, chunk, packed, png, text_chunk, webp, zipped

LINES = b"\n".join(packed(V2)[at : at + 76] for at in range(0, len(packed(V2)), 76))


@pytest.mark.parametrize(
    ("data", "version", "carrier"),
    [
        (json.dumps(V1).encode(), 1, "json"),
        (b"\xef\xbb\xbf" + json.dumps(V2).encode(), 2, "json"),
        (png(before=text_chunk("chara", packed(V2))), 2, "png"),
        (png(behind=text_chunk("chara", packed(V1))), 1, "png"),
        (png(behind=text_chunk("Chara", LINES)), 2, "png"),
        (png(behind=text_chunk("chara", packed(V2).rstrip(b"="))), 2, "png"),
        (png(behind=text_chunk("chara", packed(V2)) + text_chunk("ccv3", packed(V3))), 3, "png"),
        (png(behind=chunk(b"zTXt", b"ccv3\0\0" + zlib.compress(packed(V3)))), 3, "png"),
        (png(behind=chunk(b"iTXt", b"ccv3\0\1\0en\0x\0" + zlib.compress(packed(V3)))), 3, "png"),
        (png(behind=chunk(b"iTXt", b"ccv3\0\0\0\0\0" + packed(V3))), 3, "png"),
        (webp(json.dumps(V2).encode() + b"\0rest"), 2, "webp"),
        (webp(packed(V2)), 2, "webp"),
        (webp(",".join(map(str, json.dumps(V1).encode())).encode()), 1, "webp"),
        (zipped(card_json=json.dumps(V3).encode(), assets__icon=b"x"), 3, "charx"),
        (b"\xff\xd8\xff picture " + zipped(card_json=json.dumps(V3).encode()), 3, "charx"),
    ],
)
def test_a_card_is_found_in_every_carrier(data: bytes, version: int, carrier: str) -> None:
    file = read_card_file(data, "file.png")
    assert (file.card.version, file.carrier) == (version, carrier)
    assert file.card.name.startswith("Tomos")
    assert file.raw in (V1, V2, V3)


def test_all_fields_are_understood() -> None:
    card = read_card_file(json.dumps(V3).encode()).card
    assert (card.called, card.greetings) == ("Tom", ("Good evening, {{user}}.", "Well."))
    assert (card.group_greetings, card.tags, card.notes) == (("All!",), ("mine",), ())
    assert card.book


@pytest.mark.parametrize(
    ("card", "name", "note"),
    [
        (V1 | {"name": ""}, "file", "The card has no name; it is called file."),
        ({"spec": "chara_card_v2", "data": {"name": "T", "character_book": None}}, "T", ""),
        ({"data": {"name": "T"}}, "T", "The card does not say its version"),
        ({"name": "T", "description": 7}, "T", "description is not text"),
        (
            {"spec": "chara_card_v3", "spec_version": "9", "data": {"name": "T"}},
            "T",
            "of version 9, which is newer",
        ),
        ({"char_name": "T", "char_persona": "Dry."}, "T", ""),
    ],
)
def test_odd_cards_are_read_and_what_is_odd_is_said(card: Any, name: str, note: str) -> None:
    file = read_card_file(json.dumps(card).encode(), "file.json")
    assert file.card.name == name
    assert note in " ".join(map(str, file.notes))
    assert bool(file.notes) == bool(note)


@pytest.mark.parametrize(
    "data",
    [
        png(),
        png(behind=text_chunk("chara", b"!!! no base64")),
        png(behind=text_chunk("chara", base64.b64encode(b"no json"))),
        png(behind=text_chunk("chara", packed(V2)))[:60],
        png(behind=chunk(b"zTXt", b"chara\0\0" + zlib.compress(b"a" * (80 << 20)))),
        png(behind=chunk(b"zTXt", b"chara\0\0 no zlib")),
        b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffIHDR",
        webp(b""),
        webp(b"{no json"),
        webp(b"1,2,999,4"),
        zipped(other=b"x"),
        zipped(card_json=b"[" * 100_000),
        b"{}",
        b"[]",
        b"[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_card_is_told(data: bytes) -> None:
    with pytest.raises(BadRequest) as caught:
        read_card_file(data)
    assert len(caught.value.message) < 300


def test_noise_never_crashes() -> None:
    rng = random.Random(3)
    whole = png(behind=text_chunk("chara", packed(V2)))
    for data in (whole, webp(packed(V2)), zipped(card_json=json.dumps(V3).encode())):
        for _ in range(150):
            damaged = bytearray(data)
            for _ in range(rng.randint(1, 6)):
                damaged[rng.randrange(len(damaged))] = rng.randrange(256)
            try:
                read_card_file(bytes(damaged[: rng.randint(1, len(damaged))]))
            except BadRequest:
                continue


def test_a_picture_gets_both_versions_and_keeps_everything_else() -> None:
    old = png(before=text_chunk("chara", packed(V1)), behind=text_chunk("Comment", b"kept"))
    new = card_png(old, V3)
    assert new.count(b"chara\0") == new.count(b"ccv3\0") == 1
    assert b"Comment\0kept" in new
    assert new.index(b"IDAT") < new.index(b"chara\0") < new.index(b"ccv3\0") < new.index(b"IEND")
    assert read_card_file(new).raw == V3
    only_old = new.replace(b"ccv3\0", b"none\0")
    assert read_card_file(only_old).raw == V3 | {"spec": "chara_card_v2", "spec_version": "2.0"}
    with pytest.raises(BadRequest):
        card_png(old[:-20], V3)


def test_a_kept_file_never_takes_the_place_of_an_archives_card() -> None:
    made = charx({"name": "Mara"}, [Asset("card.json", b"{}"), Asset("a.txt", b"kept")])
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        assert archive.namelist().count("card.json") == 1
        assert json.loads(archive.read("card.json"))["data"]["name"] == "Mara"
        assert archive.read("a.txt") == b"kept"
