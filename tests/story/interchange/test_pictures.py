from __future__ import annotations

import io
import json
import zipfile

import pytest

from coblyn.errors import BadRequest, NotFound
from coblyn.story.cards.file import read_card_file
from coblyn.story.interchange.files import export_file, import_file
from coblyn.story.interchange.pictures import portrait
from coblyn.story.interchange.report import Report
from coblyn.story.operation import Put
from coblyn.story.state import NEW, State, apply
from story.files import V2, V3, packed, png, text_chunk

ICON, SPRITE = png(), png(before=text_chunk("a", b"b"))
ASSETS = [
    {"type": "emotion", "uri": "embeded://assets/emotion/images/sad.png", "name": "sad", "ext": "png"},
    {"type": "icon", "uri": "embeded://assets/icon/images/other.png", "name": "other", "ext": "png"},
    {"type": "icon", "uri": "embeded://assets/icon/images/main.png", "name": "main", "ext": "png"},
]  # fmt: skip
CARD = V3 | {"data": V3["data"] | {"assets": ASSETS}}  # type: ignore[operator]


def archive(**files: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("card.json", json.dumps(CARD))
        for path, data in files.items():
            made.writestr(path, data)
    return target.getvalue()


FILES = {
    "assets/emotion/images/sad.png": SPRITE,
    "assets/icon/images/other.png": SPRITE,
    "assets/icon/images/main.png": ICON,
    "assets/other/code/x.lua": b"print(1)",
}


def load(data: bytes, name: str) -> tuple[State, Report, str]:
    imported = import_file(data, name)
    state = NEW
    for operation in imported.operations:
        state, _ = apply(state, operation)
    (character,) = state.collection("characters")
    return state, imported.report, character


def test_files_of_an_archive_are_kept_and_go_out_byte_by_byte() -> None:
    state, report, character = load(archive(**FILES), "tomos.charx")
    assert portrait(state, character).data == ICON
    assert report.dropped == []
    assert (str(report.kept[-1].what), "x.lua" in str(report.kept[-1].note)) == (
        "4 files of the card",
        True,
    )
    out = export_file(state, "charx", which=character).data
    with zipfile.ZipFile(io.BytesIO(out)) as made:
        assert {name: made.read(name) for name in FILES} == FILES
        written = json.loads(made.read("card.json"))
    assert written["data"]["assets"] == ASSETS
    again, _, same = load(out, "tomos.charx")
    with zipfile.ZipFile(io.BytesIO(export_file(again, "charx", which=same).data)) as made:
        assert {name: made.read(name) for name in FILES} == FILES
    assert portrait(again, same).data == ICON


@pytest.mark.parametrize(
    ("left", "shown"),
    [("main.png", "other.png"), ("other.png", "main.png")],
)
def test_another_icon_stands_in_for_a_main_one_that_is_missing(left: str, shown: str) -> None:
    files = {path: data for path, data in FILES.items() if not path.endswith(left)}
    state, _, character = load(archive(**files), "tomos.charx")
    assert portrait(state, character).path.endswith(shown)


def test_a_picture_is_the_portrait_and_goes_out_with_the_card_as_it_is_now() -> None:
    picture = png(before=text_chunk("title", b"x"), behind=text_chunk("chara", packed(V2)))
    state, report, character = load(picture, "tomos.png")
    assert portrait(state, character).data == picture
    assert "portrait" in [str(line.what) for line in report.understood]
    about = state.places[f"characters/{character}"]
    renamed = V2 | {"data": V2["data"] | {"name": "Twm"}}  # type: ignore[operator]
    state, _ = apply(state, Put(f"characters/{character}", about | {"card": renamed}))
    out = export_file(state, "card-png", which=character).data
    assert read_card_file(out).card.name == "Twm"
    assert out.startswith(picture[: picture.index(b"IDAT")])
    for kind in ("charx", "card"):
        export_file(state, kind, which=character)


def test_files_that_may_do_harm_are_left_out_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coblyn.story.cards.file.MAX_ASSET", 200)
    hostile = {
        "../out.png": ICON,
        "/etc/x.png": ICON,
        "c:\\x.png": ICON,
        "assets/big.png": b"x" * 201,
    }
    data = archive(**hostile, **{"assets/icon/svg.png": b"<svg onload=alert(1)>"})
    state, report, character = load(data, "tomos.charx")
    assert {str(line.what) for line in report.dropped} == set(hostile)
    with pytest.raises(NotFound):  # text is no picture, whatever it is called
        portrait(state, character)
    for name in ("none", "../x", ""):
        with pytest.raises(NotFound):
            portrait(state, name)


@pytest.mark.parametrize(
    "value", [7, None, {"data": 7}, {"data": "?"}, {"path": "../x", "data": "aGk="}]
)
def test_made_up_files_in_a_story_do_no_harm(value: object) -> None:
    about = {"card": V3, "portrait": "asset.t.0"}
    state, _ = apply(NEW, Put("characters/t", about))
    state, _ = apply(state, Put("kept/asset.t.0", value))
    with pytest.raises(NotFound):
        portrait(state, "t")
    names = zipfile.ZipFile(io.BytesIO(export_file(state, "charx", which="t").data)).namelist()
    assert names == ["card.json"]
    with pytest.raises(BadRequest, match="PNG"):
        export_file(state, "card-png", which="t")


def test_a_name_that_an_archive_has_several_times_is_read_once() -> None:
    target = io.BytesIO(archive())
    with zipfile.ZipFile(target, "a") as made:
        made.writestr("a.txt", b"one")
        with pytest.warns(UserWarning, match="Duplicate name"):
            made.writestr("a.txt", b"three")
    (asset,) = read_card_file(target.getvalue()).assets
    assert (asset.path, asset.data) == ("a.txt", b"three")


def with_icon(uri: str) -> dict[str, object]:
    assets = [{"type": "icon", "uri": uri, "name": "main", "ext": "png"}]
    return V3 | {"data": V3["data"] | {"assets": assets}}  # type: ignore[operator]


@pytest.mark.parametrize(
    ("card", "names"),
    [
        (V2, ["main"]),
        (V2["data"], ["main"]),
        (with_icon("ccdefault:"), ["main"]),
        (with_icon("https://x.example/a.png"), ["main", "card"]),
    ],
)
def test_the_picture_of_a_card_is_the_icon_of_its_archive(
    card: dict[str, object], names: list[str]
) -> None:
    plain = png(before=text_chunk("title", b"x"))
    picture = png(before=text_chunk("title", b"x"), behind=text_chunk("chara", packed(card)))
    state, _, character = load(picture, "tomos.png")
    out = export_file(state, "charx", which=character).data
    with zipfile.ZipFile(io.BytesIO(out)) as made:
        assert made.read("assets/icon/images/main.png") == plain
        written = json.loads(made.read("card.json"))
    assert written["spec"] == "chara_card_v3"
    assert isinstance(written["data"]["group_only_greetings"], list)
    assert [one["name"] for one in written["data"]["assets"]] == names
    again, report, same = load(out, "tomos.charx")
    assert portrait(again, same).data == plain
    assert report.dropped == []
    first, second = read_card_file(picture).card, read_card_file(out).card
    assert (second.name, second.texts, second.greetings) == (
        first.name,
        first.texts,
        first.greetings,
    )
    out_again = export_file(again, "charx", which=same).data
    with zipfile.ZipFile(io.BytesIO(out_again)) as made:
        assert json.loads(made.read("card.json"))["data"]["assets"] == written["data"]["assets"]
        assert made.read("assets/icon/images/main.png") == plain
