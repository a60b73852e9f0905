from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from coblyn.errors import BadRequest, FileRefused
from coblyn.story.book import entries_of, lore_settings_of
from coblyn.story.changes import Change
from coblyn.story.interchange.files import FORMATS, MAX_ENTRIES, export_file, import_file
from coblyn.story.interchange.report import Imported
from coblyn.story.lore.fire import fire
from coblyn.story.lore.scene import Scene
from coblyn.story.operation import Edit, Put, scope_of
from coblyn.story.phrases import Phrase
from coblyn.story.state import NEW, State, apply
from coblyn.story.text import Text
from story.files import (
    BOOK,
    CHAT_HEADER,
    CHAT_MESSAGES,
    KOBOLD,
    NOVELAI,
    NOVELAI_BOOK,
    V2,
    V3,
    WORLD,
    chat,
    chunk,
    packed,
    png,
    text_chunk,
    zipped,
)


def state_of(imported: Imported) -> State:
    state = NEW
    for operation in imported.operations:
        state, _ = apply(state, operation)
    return state


def load(data: Any, name: str = "file.json") -> State:
    return state_of(
        import_file(data if isinstance(data, bytes) else json.dumps(data).encode(), name)
    )


def lines(part: Iterable[Any]) -> str:
    return "; ".join(f"{line.what} {line.note}" for line in part)


def test_a_kobold_save_is_understood() -> None:
    imported = import_file(json.dumps(KOBOLD).encode(), "Cwm.json")
    state = state_of(imported)
    assert state.text("main").text == (
        "The lamp went out. She waited.\n\n> light it\n\nIt knocked. [<|h|ab|h|>]"
    )
    assert (state.single("title"), state.single("mode"), state.single("memory")) == (
        "Cwm",
        "adventure",
        "A mine.",
    )
    assert state.single("note") | {"kobold": 0} == {
        "text": "Dark.", "depth": 2, "template": "[Note: <|>]", "kobold": 0,
    }  # fmt: skip
    assert state.text("kobold-1").text == "The lamp burned on."
    off, mine = entries_of(state)
    assert (off.is_disabled, off.keys, off.probability) == (True, ("lamp", "torch"), 40)
    assert (off.secondary, off.forbidden, mine.probability) == (("night",), ("dream",), 100)
    assert "my_api_key" in lines(imported.report.dropped)
    assert "pictures" in lines(imported.report.dropped)
    assert "completed_imgs_meta" in lines(imported.report.kept)
    assert "secret" not in repr(state)


@pytest.mark.parametrize(
    ("chars", "depth"), [(0, 1000), (None, 1000), (512, 4), (160, 1), (10**9, 1000)]
)
def test_how_far_back_kobold_looks_for_lore(chars: int | None, depth: int) -> None:
    value = KOBOLD | {"wisearchdepth": chars}
    state = load(value)
    assert lore_settings_of(state).scan_depth == depth
    assert json.loads(export_file(state, "kobold").data)["wisearchdepth"] == (chars or 0)
    changed, _ = apply(state, Put("settings/lore", {"scan_depth": 7}))
    assert json.loads(export_file(changed, "kobold").data)["wisearchdepth"] == 1120
    nothing, _ = apply(state, Put("settings/lore", {"scan_depth": 0}))
    assert json.loads(export_file(nothing, "kobold").data)["wisearchdepth"] == 1  # 0 means all


def test_what_a_kobold_entry_forbids_stays_forbidden() -> None:
    save = KOBOLD | {
        "worldinfo": [KOBOLD["worldinfo"][0] | {"widisabled": False, "probability": 100}]
    }  # type: ignore[index]
    entries = entries_of(load(save))
    for text, is_fired in (("lamp", False), ("lamp night", True), ("lamp night dream", False)):
        assert bool(fire(entries, Scene([text])).fired) is is_fired


def test_the_tags_of_a_kobold_save_are_used_where_they_are_its_own() -> None:
    own = {"instruct_starttag": "\\n### Instruction:\\n", "instruct_endtag": "\\n### Response:\\n"}
    own |= {"instruct_starttag_end": "</s>", "opmode": 4}
    tags = {"user_start": "\n### Instruction:\n", "assistant_start": "\n### Response:\n"}
    tags |= dict.fromkeys(("system_start", "system_end", "user_end", "assistant_end"), "")
    for more, expected in (({}, tags), ({"separate_end_tags": True}, tags | {"user_end": "</s>"})):
        state = load(KOBOLD | {"savedsettings": own | more})
        assert state.places["settings/instruct"] == expected
    automatic = {"instruct_starttag": "{{[INPUT]}}", "instruct_endtag": "{{[OUTPUT]}}"}
    assert "settings/instruct" not in load(KOBOLD | {"savedsettings": automatic}).places


def test_a_kobold_save_goes_out_as_it_came() -> None:
    imported = load(KOBOLD)
    saved = json.loads(export_file(imported, "kobold").data)
    again = load(saved)
    assert again.text("main") == imported.text("main")
    assert entries_of(again) == entries_of(imported)
    for key in (
        "memory",
        "authorsnote",
        "anotetemplate",
        "anotestr",
        "completed_imgs_meta",
        "wisearchdepth",
    ):
        assert saved[key] == KOBOLD[key], key
    assert {**KOBOLD["worldinfo"][0], "key": 0} == {**saved["worldinfo"][0], "key": 0}  # type: ignore[index, dict-item]
    assert saved["savedsettings"] == {"opmode": 2, "temperature": 0.7, "chatname": "Gwen"}


@pytest.mark.parametrize(
    "value",
    [
        {"ga": ["One.", " Two."], "cm": "A mine.", "ca": "", "ct": "", "cwi": [{"key": "a", "content": "b"}]},
        {"prompt": "One.", "file_version": 2, "memory": "A mine.", "authornote": "",
         "actions": {"actions": {"1": {"Selected Text": ""}, "0": {"Selected Text": " Two."}}},
         "worldinfo_v2": {"entries": {"0": {"key": ["a"], "content": "b"}}}},
    ],
)  # fmt: skip
def test_older_kobold_forms(value: dict[str, Any]) -> None:
    state = load(value)
    assert (state.text("main").text, state.single("memory")) == ("One. Two.", "A mine.")
    assert [entry.keys for entry in entries_of(state)] == [("a",)]
    assert (
        load(zipped(story_json=json.dumps(value).encode()), "x.kaistory").text("main").text
        == "One. Two."
    )


def test_a_chat_is_understood_and_goes_out_as_the_same_bytes() -> None:
    data = chat(CHAT_HEADER, *CHAT_MESSAGES)
    imported = import_file(data, "chat.jsonl")
    state = state_of(imported)
    text = state.text("main").text
    assert text == "Tomos: Good evening.\nGwen: Good evening\u2028to you: all.\nTomos: Two\nlines."
    assert [piece for _, piece in state.text("main").runs] == ["", "tavern-0", "", "tavern-2"]
    assert [take["text"] for take in state.collection("takes").values()] == ["Hm."]
    assert state.single("note") == {"text": "Dark.", "depth": 2}
    assert export_file(state, "tavern").data == data
    longer, _ = apply(state, Put("title", "x"))
    end = state.text("main").length
    longer, _ = apply(longer, Edit("main", (Change(end, end, Text.of("\nGwen: Yes.")),)))
    written = [json.loads(line) for line in export_file(longer, "tavern").data.decode().split("\n")]
    assert written[:4] == [CHAT_HEADER, *CHAT_MESSAGES]
    assert written[4] == {"name": "Gwen", "is_user": True, "mes": "Yes."}


def test_a_chat_without_header_and_with_a_cut_last_line() -> None:
    data = chat(*CHAT_MESSAGES[:2])
    assert export_file(load(data, "g.jsonl"), "tavern").data == data
    imported = import_file(data[:-20], "g.jsonl")
    assert "last line" in lines(imported.report.dropped)
    assert state_of(imported).text("main").text == "Tomos: Good evening."
    with pytest.raises(BadRequest, match="Line 1"):
        import_file(b'{"mes": \n' + data, "g.jsonl")


def test_a_world_file_goes_out_as_it_came() -> None:
    state = load(WORLD)
    assert json.loads(export_file(state, "lorebook").data)["entries"] == WORLD["entries"]
    (book,) = state.collection("books")
    assert json.loads(export_file(state, "lorebook", which=book).data) == WORLD
    off, slash = entries_of(state)
    assert (off.is_disabled, off.logic, off.source) == (True, "not_any", "global")
    assert fire([slash], Scene(["A/B"])).fired


def test_a_world_file_with_a_list_of_entries() -> None:
    assert len(entries_of(load({"entries": list(WORLD["entries"].values())}))) == 2  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "data", [json.dumps(V2).encode(), png(behind=text_chunk("ccv3", packed(V3)))]
)
def test_a_card_brings_its_lore_and_goes_out_with_the_same_meaning(data: bytes) -> None:
    imported = import_file(data, "tomos.png")
    assert not imported.has_text
    state = state_of(imported)
    off, literal = entries_of(state)
    assert (off.is_disabled, off.position, off.depth, off.logic) == (True, 4, 6, "not_any")
    assert (off.case_sensitive, off.source, literal.is_literal) == (True, "character", True)
    (name,) = state.collection("characters")
    written = json.loads(export_file(state, "card", which=name).data)
    original = V3 if b"PNG" in data else V2
    assert {**written, "data": 0} == {**original, "data": 0}
    book = written["data"].pop("character_book")
    assert written["data"] == {k: v for k, v in original["data"].items() if k != "character_book"}  # type: ignore[attr-defined]
    assert {**book, "entries": 0} == {**BOOK, "entries": 0}
    for new, old in zip(book["entries"], BOOK["entries"], strict=True):  # type: ignore[arg-type]
        assert {key: new[key] for key in old if key != "extensions"} == {
            key: value for key, value in old.items() if key != "extensions"
        }  # fmt: skip
        assert old.get("extensions", {}).items() <= new["extensions"].items()
    again = load(written | {"data": written["data"] | {"character_book": book}})
    assert [replace(one, id="") for one in entries_of(again)] == [
        replace(one, id="") for one in (off, literal)
    ]


def test_novelai_story_and_lorebook() -> None:
    imported = import_file(json.dumps(NOVELAI).encode(), "a.story")
    state = state_of(imported)
    assert state.text("main").runs == ((8, ""), (10, "novelai-1"))
    assert (state.single("title"), state.single("memory")) == ("The Knockers", "A mine.")
    assert state.single("note")["text"] == "Dark."
    (entry,) = entries_of(state)
    assert (entry.is_disabled, entry.is_constant, entry.order) == (True, True, 300)
    assert json.loads(export_file(state, "novelai-lorebook").data) == NOVELAI_BOOK
    assert json.loads(export_file(load(NOVELAI_BOOK), "novelai-lorebook").data) == NOVELAI_BOOK
    newer = NOVELAI | {"content": {"document": "abc", "story": {}}}
    assert "the text" in lines(import_file(json.dumps(newer).encode(), "a.story").report.dropped)
    scenario = {
        "scenarioVersion": 1,
        "title": "T",
        "prompt": "Once.",
        "context": [],
        "lorebook": NOVELAI_BOOK,
    }
    assert load(scenario).text("main").text == "Once."


def test_world_info_of_ai_dungeon_and_agnai() -> None:
    info = [
        {"keys": "lamp,torch", "value": "It knocks.", "useForCharacterCreation": True},
        {"keys": "pit", "value": "Deep.", "title": "The pit", "type": "location", "id": "7"},
    ]
    state = load(info)
    entry, _ = entries_of(state)
    assert json.loads(export_file(state, "aidungeon").data) == info
    assert (entry.keys, entry.content) == (("lamp", "torch"), "It knocks.")
    (agnai,) = entries_of(load({"kind": "memory", "entries": [{"keywords": ["a"], "entry": "b"}]}))
    assert (agnai.keys, agnai.content) == (("a",), "b")


@pytest.mark.parametrize(
    "data", [b"One.\nTwo.\n", "One.\r\n你\r\n".encode(), b"{not json", b"# T\n\n*x*"]
)
@pytest.mark.parametrize(("name", "kind"), [("a.txt", "text"), ("a.md", "markdown")])
def test_text_goes_out_as_the_same_bytes(data: bytes, name: str, kind: str) -> None:
    assert export_file(load(data, name), kind).data == data


def test_every_format_can_be_written_of_an_empty_story() -> None:
    of_cards = {"card", "card-png", "charx"}
    for kind in FORMATS.keys() - of_cards:
        export_file(NEW, kind)
    for kind in (*of_cards, "none"):
        with pytest.raises(BadRequest):
            export_file(NEW, kind, which="none")


def _bomb() -> bytes:
    """An archive that says it holds two gigabytes."""
    data = bytearray(zipped(card_json=b"{}"))
    struct.pack_into("<I", data, data.index(b"PK\x01\x02") + 24, 0x7FFFFFFF)
    return bytes(data)


def _quiet_bomb() -> bytes:
    """An archive whose card is larger than a card may be; it says its true size."""
    return zipped(card_json=b" " * (70 << 20) + b"{}")


def _lying_bomb() -> bytes:
    """An archive that says its card is small, where it is not."""
    data = bytearray(_quiet_bomb())
    struct.pack_into("<I", data, data.index(b"PK\x01\x02") + 24, 2)
    return bytes(data)


def _crowd() -> bytes:
    """An archive of more files than are looked at."""
    return zipped(**{f"f{number}": b"" for number in range(10_001)})


def _of_png(damage: Callable[[bytes], bytes]) -> bytes:
    return damage(png(behind=text_chunk("chara", packed(V2))))


@pytest.mark.parametrize(
    "make",
    [
        lambda: b"",
        lambda: b"\0\1\2" * 100,
        lambda: b"PK\x03\x04" + b"x" * 100,
        lambda: b"[" * 200_000,
        lambda: json.dumps({"entries": {"0": {"uid": 1, "x": _deep(300)}}}).encode(),
        lambda: b'{"entries": [' + b"0," * 2_100_000 + b"0]}",
        lambda: b'{"entries": [' + b'{"uid": 0},' * 20_000 + b"{}]}",
        lambda: b'{"a": 1}',
        lambda: b"[1, 2]",
        _bomb,
        _quiet_bomb,
        _lying_bomb,
        _crowd,
        lambda: _of_png(lambda data: data[:50]),
        lambda: _of_png(lambda data: data.replace(b"chara\0", b"chara\0!!")),
        lambda: _of_png(lambda data: data.replace(b"\0\0\0\x0dIHDR", b"\xff\xff\xff\xffIHDR")),
        lambda: _of_png(lambda data: data.replace(b"tEXt", b"IEND")),
        lambda: png(behind=chunk(b"iTXt", b"ccv3\0\1")),
        lambda: png(behind=chunk(b"zTXt", b"chara\0\0" + zlib.compress(b" " * (70 << 20)))),
    ],
)
def test_hostile_files_earn_a_sentence(make: Any) -> None:
    """A sentence of which clients know the code, so that they can say it in their language."""
    data = make()
    with pytest.raises(FileRefused) as caught:
        import_file(data, "card.charx" if data.startswith(b"PK") else "file.json")
    assert len(caught.value.message) < 200
    assert str(caught.value.said) == caught.value.message
    assert isinstance(caught.value.said, Phrase)


def test_as_many_entries_as_the_limit_says_are_taken() -> None:
    book = b'{"entries": [' + b",".join([b"{}"] * MAX_ENTRIES) + b"]}"
    imported = import_file(book, "book.json")
    assert sum("lore/" in scope_of(one) for one in imported.operations) == MAX_ENTRIES
    with pytest.raises(FileRefused, match=f"more than {MAX_ENTRIES}"):
        import_file(book.replace(b"[{}", b"[{},{}"), "book.json")


def _deep(depth: int) -> Any:
    return [_deep(depth - 1)] if depth else 0


@pytest.mark.parametrize(
    "field",
    ["prompt", "actions", "memory", "worldinfo", "altbranches", "savedsettings", "anotestr"],
)
@pytest.mark.parametrize("junk", [None, 7, "x", [], [None, 7], {}, {"a": 1}, True])
def test_junk_in_any_field_of_a_save_harms_nothing(field: str, junk: Any) -> None:
    save = KOBOLD | {field: junk}
    try:
        state = load(save)
    except BadRequest:
        return
    export_file(state, "kobold")


@pytest.mark.parametrize("junk", [None, 7, "x", [None], {"a": 1}])
def test_junk_in_other_files_harms_nothing(junk: Any) -> None:
    values: list[Any] = [
        {"entries": {"0": {"uid": junk, "key": junk, "content": junk, "order": junk}}},
        {"spec": "chara_card_v2", "data": {"name": "T", "tags": junk, "character_book": junk, "first_mes": junk}},
        {"spec": "chara_card_v2", "data": {"name": "T", "character_book": {"entries": [junk, {"keys": junk}]}}},
        {"storyContainerVersion": 1, "metadata": junk, "content": junk},
        {"storyContainerVersion": 1, "content": {"story": {"fragments": [junk]}, "context": [junk]}},
        {"storyContainerVersion": 1, "content": {"lorebook": {"entries": [junk]}}},
        {"lorebookVersion": 3, "entries": [{"keys": junk, "text": junk, "contextConfig": junk}]},
    ]  # fmt: skip
    for value in values:
        try:
            state = load(value)
        except BadRequest:
            continue
        entries = entries_of(state)
        fire(entries, Scene(["text"]))
        for kind in FORMATS.keys() - {"card", "card-png", "charx"}:
            export_file(state, kind)
